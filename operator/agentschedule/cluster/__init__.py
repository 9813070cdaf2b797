"""Effects: the only caller of the Kubernetes API. Observes it into ``plan``'s terms, and applies what a plan says."""

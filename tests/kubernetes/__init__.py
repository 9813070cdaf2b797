"""What the operator leans on and no API of Kubernetes promises: judged on a real cluster, without the operator."""

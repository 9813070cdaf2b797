"""Objects as hostile users write them: whatever the API server takes, nothing of it stops or slows the operator."""

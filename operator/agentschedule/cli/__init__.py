"""``kubectl agentschedule``: a plugin for people. Beside the operator, not part of it: it has a user's own rights."""

"""A spec: is it one that can run, when is it due, and what may a manual run say otherwise."""

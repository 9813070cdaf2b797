"""Pure decisions: what is, in; what to do and what to say, out. No clock, no environment, no input or output."""

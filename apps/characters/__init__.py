"""Characters: who people talk to."""

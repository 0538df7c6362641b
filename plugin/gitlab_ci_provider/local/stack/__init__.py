"""The embedded stack: its parts, its state, its start and its end."""

"""Jobs that create another pipeline, and wait for it."""

"""A run, followed from the command line to its end."""

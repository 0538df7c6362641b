"""Tells GitLab how a pipeline and its jobs do, where the connection to it says so."""

"""The HTTP face of the cluster: one module a group of routes."""

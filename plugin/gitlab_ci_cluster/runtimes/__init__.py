"""Runtimes: what starts the containers of a pod. One protocol, see `interface`."""

"""The embedded cluster: the part of the Kubernetes API that jobs need, on one machine."""

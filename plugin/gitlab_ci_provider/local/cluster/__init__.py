"""The embedded cluster: the part of the Kubernetes API that a job needs."""

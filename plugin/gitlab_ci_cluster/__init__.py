"""The embedded cluster: the part of the Kubernetes API that jobs need, on one machine.

From the bottom up, as Kubernetes names them:

- `objects`: kinds of objects, their types, errors and selectors, and the store that keeps them
- `admission`: defaults and validation of what clients send
- `controllers`: the node, namespaces, scheduling, deletion
- `runtimes`: how containers run on this machine
- `kubelet`: runs pods, probes them, writes their status, logs and events
- `api`: the API server
- `daemon`: the process around all of it
"""

"""What the control plane does by itself: nodes, namespaces, scheduling, deletion."""

"""Jobs that build images with a Docker daemon: recognised, explained, rewritten as image builds."""

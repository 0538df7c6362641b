"""The `docker` and `podman` runtimes: containers of an engine, by the Docker Engine API."""

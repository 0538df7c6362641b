"""Image builds without a Docker daemon: `ImageBuild` to the command line of an engine. Pure."""

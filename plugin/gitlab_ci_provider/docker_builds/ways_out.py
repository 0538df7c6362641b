"""What to do instead of a command for the Docker daemon."""

from __future__ import annotations

from collections.abc import Mapping

_IN_ITS_IMAGE = "Give the image to a job of its own with `image:`, and run the command there."
_FILES = "To copy files out of an image, run a job with `image:` and `artifacts:`."
_SERVICES = "Start what the job needs with `services:`, which end with it."
_OTHERS = "Images of other jobs get another tag with `crane tag` or `skopeo copy`."
_PUSH = "Push the image in the job that builds it, and name it in `image:` or `FROM`."
_BAKE = "The bake file is read when the job runs: write one `docker build` a target."
_COMPOSE = "The compose file is read when the job runs: write one `docker build` for each image."

_WAYS_OUT: Mapping[str, str] = {
    "build": "Change the command; what can be carried over is in the documentation.",
    "bake": _BAKE,
    "buildx bake": _BAKE,
    "buildx imagetools": _OTHERS,
    "commit": "Describe the image in a Dockerfile.",
    "compose": _SERVICES,
    "compose build": _COMPOSE,
    "compose push": _COMPOSE,
    "compose run": _IN_ITS_IMAGE,
    "cp": _FILES,
    "create": _FILES,
    "exec": _IN_ITS_IMAGE,
    "export": _FILES,
    "import": _PUSH,
    "inspect": "Ask the registry instead, with `crane config` or `skopeo inspect`.",
    "kill": _SERVICES,
    "load": _PUSH,
    "login": "Use `docker login -u USER --password-stdin REGISTRY` with a password from `echo`.",
    "logs": "Services write into the job's log with CI_DEBUG_SERVICES.",
    "manifest": "Put images for several platforms together with `manifest-tool` or `crane index`.",
    "pull": "Name the image in `FROM` or `image:`; for a cache, add `|| true` and --cache-from.",
    "push": "Build and push in the same job; images of other jobs are copied with `crane copy`.",
    "rm": "Leave it out once no container is started.",
    "run": _IN_ITS_IMAGE,
    "save": "Push the image, or write it with the executor's --tar-path and keep that file.",
    "start": _SERVICES,
    "stop": _SERVICES,
    "tag": _OTHERS,
}
"""By verb, or by its first word."""


def way_out(verb: str) -> str:
    """Say what to do instead of a command."""
    first = verb.partition(" ")[0]
    return _WAYS_OUT.get(verb) or _WAYS_OUT.get(first) or "Do without the Docker daemon."

"""What engines say when a container does not start, in the kubelet's words."""

from __future__ import annotations

import re

_RUNC = re.compile(
    r"(?:runc create|exec) failed: unable to start container process: (?P<why>.*)", re.DOTALL
)
_PODMAN_KIND = re.compile(
    r": (OCI runtime attempted to invoke a command that was not found|OCI runtime error"
    r"|OCI permission denied|OCI not found)$"
)


def start_problem(said: str) -> str:
    """Say why a process did not start, without the names of the layers that it went through."""
    shortened = _PODMAN_KIND.sub("", said.strip())
    found = _RUNC.search(shortened)
    return (found["why"] if found else shortened).removesuffix(": unknown")

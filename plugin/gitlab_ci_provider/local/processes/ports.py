"""Free ports on the loopback address."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from gitlab_ci_provider.exceptions import StackError

LOOPBACK = "127.0.0.1"
_TRIES = 20


def listens(port: int) -> bool:
    """Return whether something accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def choose_port(preferred: int, claims: ExitStack, *, must: bool = False) -> int:
    """Choose a port to listen on and claim it, so that no other stack chooses it.

    Args:
        preferred: used when it is free.
        claims: holds the claim; a claim also ends with the process.
        must: refuse any other port.

    Raises:
        StackError: `must`, and the port is taken.
    """
    if _claim(preferred, claims):
        return preferred
    if must:
        raise StackError(f"port {preferred} is taken; choose another with --port")
    for _ in range(_TRIES):
        port = _any_free_port()
        if _claim(port, claims):
            return port
    raise StackError("no free port on this machine")


def _claim(port: int, claims: ExitStack) -> bool:
    """Claim a port that nobody listens on; the claim is a name that the kernel grants once."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0gitlab-dags-port-{port}")
    except OSError:
        claim.close()
        return False
    claims.enter_context(claim)
    return _can_bind(port)


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])

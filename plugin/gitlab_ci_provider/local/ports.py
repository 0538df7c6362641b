"""Free ports on the loopback address."""

from __future__ import annotations

import socket

from gitlab_ci_provider.exceptions import StackError

LOOPBACK = "127.0.0.1"


def listens(port: int) -> bool:
    """Tell whether something accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def choose_port(preferred: int, *, must: bool = False) -> int:
    """Choose a port to listen on.

    Args:
        preferred: taken when it is free.
        must: refuse to take another one.

    Raises:
        StackError: `must`, and the port is taken.
    """
    for candidate in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, candidate))
            except OSError as error:
                if must:
                    message = f"port {preferred} is taken; choose another with --port"
                    raise StackError(message) from error
                continue
            return int(probe.getsockname()[1])
    raise StackError("no free port on this machine")

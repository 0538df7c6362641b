"""Where the servers of the tests listen: where the pods of the cluster under test reach them."""

from __future__ import annotations

import os
import socket

ADDRESS = "GITLAB_CI_TESTS_ADDRESS"
"""Names the address; without it they listen on this machine alone, for the embedded cluster."""


def address() -> str:
    """Name the address that servers listen on."""
    return os.environ.get(ADDRESS, "127.0.0.1")


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind((address(), 0))
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as client:
        return client.connect_ex((address(), port)) == 0

"""Where the servers of the tests listen: where the pods of the cluster under test reach them."""

from __future__ import annotations

import os

ADDRESS = "GITLAB_CI_TESTS_ADDRESS"
"""Names the address; without it they listen on this machine alone, for the embedded cluster."""


def address() -> str:
    """Name the address that servers listen on."""
    return os.environ.get(ADDRESS, "127.0.0.1")

"""One object store for all tests of the state here; each uses a prefix of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from servers.seaweed import Seaweed, seaweed


@pytest.fixture(scope="session")
def server() -> Iterator[Seaweed]:
    """A running server."""
    with seaweed() as running:
        yield running

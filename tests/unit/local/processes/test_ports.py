"""Ports of a stack: free ones, and never the same for two stacks."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.processes.ports import choose_port, listens


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_passed_over(taken: int):
    """Without a wish, another port does as well."""
    with ExitStack() as claims:
        assert choose_port(taken, claims) != taken


def test_a_port_that_was_asked_for_must_be_free(taken: int):
    """With a wish, a taken port is an error that names it."""
    with ExitStack() as claims, pytest.raises(StackError, match=f"port {taken} is taken"):
        choose_port(taken, claims, must=True)


def test_two_stacks_that_start_together_choose_different_ports():
    """A chosen port is claimed before anything listens on it; the claim ends with its holder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]

    with ExitStack() as first, ExitStack() as second:
        assert choose_port(free, first) == free
        assert choose_port(free, second) != free
    with ExitStack() as again:
        assert choose_port(free, again) == free
    assert not listens(free)

"""What a running stack tells of itself, and what a killed one has left."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.state import StackState, read_state, write_state
from gitlab_ci_provider.local.stack.supervisor import _only_one


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A stack's folder."""
    home = Home(tmp_path / "home")
    home.make()
    return home


def state_of(pid: int) -> StackState:
    """Make the state of the stack of a supervisor."""
    return StackState(pid=pid, url="http://127.0.0.1:1", password="", object_store="")


def test_the_state_of_the_running_stack_is_read(home: Home):
    """It is there as soon as the supervisor has written it, and only while that runs."""
    with _only_one(home):
        assert read_state(home) is None
        write_state(home, state_of(os.getpid()))
        assert read_state(home) == state_of(os.getpid())

    assert read_state(home) is None


def test_looking_does_not_keep_a_stack_from_starting(home: Home):
    """Looking whether a stack runs takes its lock for a moment."""
    released: list[int] = []

    @contextmanager
    def looking() -> Iterator[None]:
        """Hold the lock until the supervisor has tried once."""
        file = home.lock.open("a+")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        original = fcntl.flock

        def after_one_try(descriptor: object, operation: int) -> None:
            try:
                original(descriptor, operation)  # type: ignore[arg-type]
            finally:
                if not released:
                    released.append(1)
                    file.close()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fcntl, "flock", after_one_try)
            yield

    with looking(), _only_one(home):
        assert released


def test_there_is_one_stack_in_a_folder(home: Home):
    """A second supervisor says so and ends."""
    with _only_one(home), pytest.raises(StackError, match="already runs"), _only_one(home):
        pass

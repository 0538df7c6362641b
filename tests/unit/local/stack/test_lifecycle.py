"""Starting the stack, from several commands at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack import lifecycle
from gitlab_ci_provider.local.stack.lifecycle import StackOptions, spawn_stack, stop_stack
from gitlab_ci_provider.local.stack.state import StackState, read_state, write_state

SUPERVISOR = """
import os, signal, sys
from pathlib import Path
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.state import StackState, write_state
from gitlab_ci_provider.local.stack.supervisor import _only_one
home = Home(Path(sys.argv[1]))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with _only_one(home):
    write_state(home, StackState(pid=os.getpid(), url="new", password="", object_store=""))
    signal.pause()
"""
"""Does what the supervisor does, without a stack: takes the lock and says that it is ready."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A folder in which a start starts the supervisor above."""
    home = Home(tmp_path / "home")
    home.make()
    command = [sys.executable, "-c", SUPERVISOR, str(home.path)]
    monkeypatch.setattr(lifecycle, "_command", lambda *_: command)
    yield home
    stop_stack(home)


def test_commands_that_start_at_once_start_one_stack(home: Home):
    """One of them starts it, and none clears the state that it has published."""
    write_state(home, StackState(pid=1, url="killed", password="", object_store=""))
    together = Barrier(4)

    def start() -> bool:
        together.wait()
        return spawn_stack(home, StackOptions(idle_minutes=0))

    with ThreadPoolExecutor(4) as commands:
        started = sorted(future.result() for future in [commands.submit(start) for _ in range(4)])

    assert started == [False, False, False, True]
    assert lifecycle.wait_for_stack(home).url == "new"


def test_a_stack_that_runs_is_left_alone(home: Home):
    """A second start finds the state of the first one."""
    assert spawn_stack(home, StackOptions(idle_minutes=0))
    state = lifecycle.wait_for_stack(home)

    assert not spawn_stack(home, StackOptions())
    assert read_state(home) == state


def test_a_full_disk_is_named(home: Home, monkeypatch: pytest.MonkeyPatch):
    """A supervisor that cannot write leaves no word of why it has ended."""
    monkeypatch.setattr(lifecycle, "_FULL_BYTES", 1 << 62)

    with pytest.raises(StackError, match=r"the disk of .* is full"):
        lifecycle.wait_for_stack(home)

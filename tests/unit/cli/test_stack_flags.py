"""What a running stack has is not changed by flags: other ones are refused, never ignored."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.stack_flags import add_stack_flags, check_stack
from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack import state
from gitlab_ci_provider.local.stack.state import StackState, write_state


def _args(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_stack_flags(parser)
    return parser.parse_args(words)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(tmp_path)
    home.make()
    write_state(home, StackState(pid=1, url="http://127.0.0.1:8080", password="x", object_store=""))
    home.cluster.mkdir(exist_ok=True)
    (home.cluster / "runtime").write_text("root")
    monkeypatch.setattr(state, "is_running", lambda _: True)
    return home


@pytest.mark.parametrize(
    "words", [(), ("--port=8080",), ("--runtime=process",), ("--runtime=root",)]
)
def test_flags_that_the_stack_meets_are_taken(home: Home, words: tuple[str, ...]):
    """The same port, and a runtime that is or contains the one in use."""
    check_stack(home, _args(*words))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--port=9999", "already runs at http://127.0.0.1:8080: .*, or leave out --port 9999"),
        ("--runtime=podman", "with the runtime 'root': .*, or leave out --runtime podman"),
        ("--runtime=user", "with the runtime 'root': .*, or leave out --runtime user"),
    ],
)
def test_flags_that_the_stack_does_not_meet_are_refused(home: Home, words: str, message: str):
    """Another port or runtime says what runs, and what to do."""
    with pytest.raises(StackError, match=message):
        check_stack(home, _args(words))


def test_a_stack_that_has_ended_refuses_nothing(home: Home, monkeypatch: pytest.MonkeyPatch):
    """The next one is started as the flags say."""
    monkeypatch.setattr(state, "is_running", lambda _: False)

    check_stack(home, _args("--port=9999", "--runtime=podman"))

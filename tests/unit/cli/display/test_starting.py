"""Reading the repository while the stack starts."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.display import starting
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.steps import Step
from gitlab_ci_provider.local.stack import lifecycle as stack
from gitlab_ci_provider.local.stack.lifecycle import StackOptions


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is done in which order, instead of starting a stack."""
    done: list[str] = []

    def spawn(*_: object) -> bool:
        done.append("spawn")
        return True

    def wait(_home: Home, tell: object = None) -> str:
        done.append("wait")
        return "state"

    monkeypatch.setattr(stack, "spawn_stack", spawn)
    monkeypatch.setattr(stack, "wait_for_stack", wait)
    monkeypatch.setattr(stack, "stop_stack", lambda *_: done.append("stop"))
    return done


def test_nothing_is_started_for_a_repository_that_cannot_run(
    tmp_path: Path, order: list[str], monkeypatch: pytest.MonkeyPatch
):
    """A wrong name or a broken file is told at once."""
    monkeypatch.setattr(starting, "_READ_FIRST_SECONDS", 600)

    def read() -> None:
        raise SourceError("no such job")

    with pytest.raises(SourceError, match="no such job"):
        starting.read_while_starting(Home(tmp_path), StackOptions(), read)

    assert order == []


@pytest.fixture
def spawned(order: list[str], monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Is set once the start has begun, which waits for no reading here."""
    begun = threading.Event()

    def spawn(*_: object) -> bool:
        order.append("spawn")
        begun.set()
        return True

    monkeypatch.setattr(starting, "_READ_FIRST_SECONDS", 0)
    monkeypatch.setattr(stack, "spawn_stack", spawn)
    return begun


def test_no_stack_stays_for_a_repository_that_turns_out_not_to_run(
    tmp_path: Path, order: list[str], spawned: threading.Event
):
    """A machine or a network may be so slow that the start has begun by then."""

    def read() -> None:
        spawned.wait()
        raise SourceError("no such ref")

    with pytest.raises(SourceError, match="no such ref"):
        starting.read_while_starting(Home(tmp_path), StackOptions(), read)

    assert order == ["spawn", "stop"]


def test_the_stack_starts_while_a_slow_repository_is_read(
    tmp_path: Path, order: list[str], spawned: threading.Event
):
    """A repository behind a slow network is read during the start."""

    def read() -> str:
        spawned.wait()
        order.append("read")
        return "found"

    found = starting.read_while_starting(Home(tmp_path), StackOptions(), read)

    assert (str(found.stack), found.found, found.spawned) == ("state", "found", True)
    assert order == ["spawn", "read", "wait"]


def test_an_interrupt_stops_the_stack_that_is_being_started(
    tmp_path: Path, order: list[str], monkeypatch: pytest.MonkeyPatch
):
    """Ctrl-C leaves nothing behind that nobody has asked for."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stack, "wait_for_stack", interrupted)

    with pytest.raises(KeyboardInterrupt):
        starting.read_while_starting(Home(tmp_path), StackOptions(), lambda: None)

    assert order == ["spawn", "stop"]


def test_the_start_is_one_line_on_a_narrow_terminal():
    """However many steps go on; the time is never cut."""
    from rich.console import Console

    shown = starting.Starting()
    for name in ("object store", "cluster", "api-server", "scheduler", "dag-processor"):
        shown.tell(Step(name=name, state="begun", seconds=1.0))
    console = Console(width=60, color_system=None)
    with console.capture() as captured:
        console.print(shown._render())

    (line,) = captured.get().splitlines()
    assert len(line) <= 60
    assert "starting the embedded stack, 0 s: object store, clu" in line


def test_steps_are_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]):
    """Each with how long it took; what fails says why."""
    with starting.Starting() as shown:
        for name, state, seconds in (("cluster", "begun", 1.0), ("cluster", "done", 3.5)):
            shown.tell(Step(name=name, state=state, seconds=seconds))  # type: ignore[arg-type]
        shown.tell(Step(name="scheduler", state="failed", seconds=4, message="no memory"))

    said = capsys.readouterr().err
    assert "starting the embedded stack" in said
    assert "  cluster 2.5 s\n" in said
    assert "  scheduler failed: no memory\n" in said
    assert "is ready after" in said

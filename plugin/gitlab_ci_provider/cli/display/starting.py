"""The start of the embedded stack: a spinner on a terminal, otherwise one line per step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.display.live import LivePicture, one_line
from gitlab_ci_provider.cli.display.rows import clock

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gitlab_ci_provider.local.home import Home
    from gitlab_ci_provider.local.processes.steps import Step
    from gitlab_ci_provider.local.stack.lifecycle import StackOptions
    from gitlab_ci_provider.local.stack.state import StackState

Found = TypeVar("Found")

_READ_FIRST_SECONDS = 3.0
"""Seconds to read the repository before the stack is started, too: problems of a repository on this
machine are known by then, and no stack is started in vain."""


class Starting:
    """Shows the steps of a start; use as a context manager."""

    def __init__(self) -> None:
        from rich.spinner import Spinner

        self._picture = LivePicture(self._render, per_second=8, transient=True)
        self._begun: dict[str, float] = {}
        self._since = time.monotonic()
        self._spinner = Spinner("dots" if self._picture.unicode else "line")

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._since = time.monotonic()
        self._picture.start()
        if not self._picture.drawn:
            output.note("starting the embedded stack ...")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave one line."""
        self._picture.stop()
        if error is None:
            output.note(f"the embedded stack is ready after {clock(self._elapsed())}")

    def tell(self, step: Step) -> None:
        """Show a step."""
        if step.state == "begun":
            self._begun[step.name] = step.seconds
            return
        begun = self._begun.pop(step.name, None)
        took = f" {step.seconds - begun:.1f} s" if begun is not None else ""
        words = f": {step.message}" if step.message else ""
        if step.state == "failed" or (step.state == "restarted" and not self._picture.drawn):
            output.note(f"  {step.name} {step.state}{words}")
        elif not self._picture.drawn and took:
            output.note(f"  {step.name}{took}")

    def _elapsed(self) -> float:
        return time.monotonic() - self._since

    def _render(self) -> RenderableType:
        going = ", ".join(self._begun)
        words = f"starting the embedded stack, {clock(self._elapsed())}"
        return one_line(self._spinner, f"{words}: {going}" if going else words)


@dataclass(frozen=True, slots=True)
class Started(Generic[Found]):
    """A running stack, and what was read while it started.

    Attributes:
        spawned: the stack was started by this command.
    """

    stack: StackState
    found: Found
    spawned: bool


def read_while_starting(
    home: Home, options: StackOptions, read: Callable[[], Found]
) -> Started[Found]:
    """Read what is to be run while the stack starts.

    Args:
        home: of the stack.
        options: how it starts, if it does not run.
        read: reads the repositories; when it fails soon, no stack is started.

    Raises:
        StackError: it cannot start.
        KeyboardInterrupt: by a person.

    Whatever is raised, a stack that was being started here has been stopped.
    """
    from gitlab_ci_provider.local.stack.lifecycle import spawn_stack, stop_stack, wait_for_stack

    reading = _Reading(read)
    reading.wait(_READ_FIRST_SECONDS)
    if reading.done:
        reading.result()
    spawned = spawn_stack(home, options)
    try:
        found = reading.result()
        if not spawned:
            return Started(wait_for_stack(home), found, spawned=False)
        with Starting() as starting:
            return Started(wait_for_stack(home, starting.tell), found, spawned=True)
    except (KeyboardInterrupt, Exception):
        if spawned:
            output.note("stopping the stack ...")
            stop_stack(home)
        raise


class _Reading(Generic[Found]):
    """Something that is read in a thread; an interrupt does not wait for it."""

    def __init__(self, read: Callable[[], Found]):
        self._read = read
        self._found: list[Found] = []
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Return whether it has ended, well or badly."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait for a while."""
        self._thread.join(seconds)

    def result(self) -> Found:
        """Wait for the end and return what was read.

        Raises:
            Exception: what went wrong while reading.
        """
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        return self._found[0]

    def _work(self) -> None:
        try:
            self._found.append(self._read())
        except Exception as problem:  # noqa: BLE001 - it is raised where the result is wanted
            self._problem = problem

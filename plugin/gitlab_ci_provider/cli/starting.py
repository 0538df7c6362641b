"""The start of the embedded stack, as a person waits for it: a spinner in a terminal, or lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.picture import clock
from gitlab_ci_provider.cli.progress import console, draws

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from gitlab_ci_provider.local.home import Home
    from gitlab_ci_provider.local.processes.steps import Step
    from gitlab_ci_provider.local.stack.lifecycle import StackOptions
    from gitlab_ci_provider.local.stack.state import StackState

Found = TypeVar("Found")

_GRACE = 1.0
"""Seconds for reading the repository before the stack starts beside it: what is wrong with a
repository on this machine is known by then, and nothing was started in vain."""


class Starting:
    """Shows the steps of a start; use as a context manager."""

    def __init__(self) -> None:
        from rich.spinner import Spinner

        self._console = console()
        self._live: Live | None = None
        self._begun: dict[str, float] = {}
        self._since = time.monotonic()
        unicode = self._console.encoding.startswith("utf")
        self._spinner = Spinner("dots" if unicode else "line")

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._since = time.monotonic()
        if draws(self._console):
            from rich.live import Live

            self._live = Live(
                console=self._console,
                refresh_per_second=8,
                get_renderable=self._picture,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        else:
            output.note("starting the embedded stack ...")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave one line of it."""
        if self._live is not None:
            self._live.stop()
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
        if step.state == "failed" or (step.state == "restarted" and self._live is None):
            output.note(f"  {step.name} {step.state}{words}")
        elif self._live is None and took:
            output.note(f"  {step.name}{took}")

    def _elapsed(self) -> float:
        return time.monotonic() - self._since

    def _picture(self) -> RenderableType:
        going = ", ".join(self._begun)
        words = f"starting the embedded stack, {clock(self._elapsed())}"
        self._spinner.update(text=f"{words}: {going}" if going else words)
        return self._spinner


def started(
    home: Home, options: StackOptions, read: Callable[[], Found]
) -> tuple[StackState, Found, bool]:
    """Read what is to be run while the stack starts.

    Args:
        home: of the stack.
        options: how it starts, if it does not run.
        read: reads the repositories; when it fails soon, no stack is started.

    Returns:
        The stack, what was read, and whether the stack was started here.

    Raises:
        StackError: it cannot start.
        KeyboardInterrupt: the stack that was being started here was stopped.
    """
    from gitlab_ci_provider.local.stack.lifecycle import spawn_stack, stop_stack, wait_for_stack

    reading = _Reading(read)
    reading.wait(_GRACE)
    if reading.done:
        reading.result()
    spawned = spawn_stack(home, options)
    try:
        found = reading.result()
        if not spawned:
            return wait_for_stack(home), found, False
        with Starting() as starting:
            return wait_for_stack(home, starting.tell), found, True
    except KeyboardInterrupt:
        if spawned:
            output.note("stopping the stack ...")
            stop_stack(home)
        raise


class _Reading(Generic[Found]):
    """Something that is read in a thread; who is interrupted does not wait for it."""

    def __init__(self, read: Callable[[], Found]):
        self._read = read
        self._found: list[Found] = []
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Tell whether it has ended, in whichever way."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait for a while."""
        self._thread.join(seconds)

    def result(self) -> Found:
        """Wait for it.

        Raises:
            Exception: what went wrong with the reading.
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

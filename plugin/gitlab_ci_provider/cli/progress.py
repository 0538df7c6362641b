"""A run on the terminal: a live table where there is one, a line a change where there is not."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gitlab_ci_provider.local.progress import JobProgress, Snapshot

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

_SYMBOLS = {
    "success": ("✔", "green"),
    "failed": ("✘", "red"),
    "skipped": ("»", "dim"),
    "manual": ("▶", "blue"),
    "blocked": ("▶", "magenta"),
    "canceled": ("⊘", "dim"),
    "absent": ("·", "dim"),
    "running": ("●", "cyan"),
    "delayed": ("◷", "cyan"),
    "pending": ("○", "yellow"),
    "created": ("○", "dim"),
}
_QUIET = frozenset({"created", "pending", "absent"})


class Progress:
    """Shows a run while it goes on; use as a context manager."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console: Console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._seen: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._console.is_terminal and sys.stderr.isatty():
            from rich.live import Live

            self._live = Live(console=self._console, refresh_per_second=8, transient=False)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last picture on the screen."""
        if self._live is not None:
            self._live.stop()

    def show(self, now: Snapshot) -> None:
        """Show a run as it is now."""
        if self._live is not None:
            self._live.update(_table(now))
            return
        for job in now.jobs:
            if self._seen.get(job.name) != job.status and job.status not in _QUIET:
                self._console.print(_line(job), soft_wrap=True)
            self._seen[job.name] = job.status


def _table(now: Snapshot) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for title in ("stage", "job", "state"):
        table.add_column(title, style="bold" if title == "stage" else "")
    table.add_column("duration", justify="right")
    stage = ""
    for job in now.jobs:
        symbol, colour = _SYMBOLS[job.status]
        shown = job.stage if job.stage != stage else ""
        stage = job.stage
        state = f"[{colour}]{symbol} {job.status}[/]"
        table.add_row(shown, _escaped(job.name), state, _duration(job))
    return table


def _line(job: JobProgress) -> str:
    symbol, colour = _SYMBOLS[job.status]
    text = f"[{colour}]{symbol} {job.status:<8}[/] {_escaped(job.stage)} / {_escaped(job.name)}"
    return f"{text}  {_duration(job)}".rstrip()


def _duration(job: JobProgress) -> str:
    return f"{job.duration:.1f} s" if job.duration and job.status in {"success", "failed"} else ""


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)

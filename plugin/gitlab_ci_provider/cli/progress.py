"""A run on the terminal: a live table where there is one, a line a change where there is not."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.picture import clock, counts, done, duration, rows
from gitlab_ci_provider.local.follow.progress import JobProgress, Snapshot

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.table import Table

_SYMBOLS = {
    "success": ("✔", "+", "green"),
    "failed": ("✘", "x", "red"),
    "skipped": ("»", "-", "dim"),
    "manual": ("▶", ">", "blue"),
    "blocked": ("▶", ">", "magenta"),
    "canceled": ("⊘", "/", "dim"),
    "absent": ("·", ".", "dim"),
    "running": ("●", "*", "cyan"),
    "delayed": ("◷", "~", "cyan"),
    "pending": ("○", "o", "yellow"),
    "created": ("○", "o", "dim"),
}
_QUIET = frozenset({"created", "pending", "absent"})
_BELOW = 3
"""Rows of the terminal that are not for jobs: the heading, the sum, and where the cursor stands."""


class Progress:
    """Shows a run while it goes on; use as a context manager."""

    def __init__(self) -> None:
        self._console = console()
        self._live: Live | None = None
        self._seen: dict[str, str] = {}
        self._now: Snapshot | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Begin to draw."""
        if draws(self._console):
            self._draw()
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
        self._now = now
        if self._live is not None:
            return
        for job in now.jobs:
            if self._seen.get(job.name) != job.status and job.status not in _QUIET:
                self.write(self._line(job))
            self._seen[job.name] = job.status

    def tell(self, text: str) -> None:
        """Say something while the run goes on."""
        if self._live is None:
            output.note(text)
        else:
            self._console.print(text, markup=False, soft_wrap=True)

    def log(self, prefix: str, line: str) -> None:
        """Write a line of a job's log with the colours that it has, above the picture."""
        if self._live is None:
            output.note(f"{prefix}{line}")
            return
        from rich.text import Text

        text = Text.assemble((prefix, "dim"), Text.from_ansi(line))
        self._console.print(text, soft_wrap=True)

    def write(self, markup: str) -> None:
        """Write a line in colours, above the picture where there is one."""
        try:
            self._console.print(markup, soft_wrap=True)
        except (OSError, ValueError):
            output.note("")  # it finds out whether anybody reads

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Draw nothing for a while, so that a person can type."""
        if self._live is None:
            yield
            return
        self._live.stop()
        try:
            yield
        finally:
            self._draw()

    def _draw(self) -> None:
        """Begin a picture where the cursor stands."""
        from rich.live import Live

        self._live = Live(
            console=self._console,
            refresh_per_second=4,
            get_renderable=self._picture,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def _picture(self) -> RenderableType:
        from rich.console import Group

        if self._now is None:
            return ""
        height = self._console.size.height
        shown = rows(self._now.jobs, max(1, height - _BELOW), datetime.now(UTC))
        ended, wanted = done(self._now.jobs)
        since = clock(time.monotonic() - self._began)
        sum_ = f"{ended}/{wanted} jobs, {since}"
        if ended < wanted:
            sum_ = f"{sum_}: {counts([job for job in self._now.jobs if job.status != 'absent'])}"
        table = self._table()
        for row in shown:
            state = f"[{self._colour(row.status)}]{self._symbol(row.status)} {row.words}[/]"
            table.add_row(_escaped(row.stage), _escaped(row.name), state, row.time)
        return Group(table, f"[dim]{sum_}[/]")

    def _table(self) -> Table:
        from rich.table import Table

        wide = self._console.size.width >= 50
        table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
        table.add_column("stage", style="bold", no_wrap=True, max_width=24 if wide else 8)
        table.add_column("job", no_wrap=True, overflow="ellipsis")
        table.add_column("state", no_wrap=True, overflow="ellipsis", min_width=9)
        table.add_column("time", justify="right", no_wrap=True, min_width=6)
        return table

    def _line(self, job: JobProgress) -> str:
        place = f"{_escaped(job.stage)} / {_escaped(job.name)}"
        state = f"{self._symbol(job.status)} {job.status:<8}"
        took = duration(job, datetime.now(UTC)) if job.status != "running" else ""
        return f"[{self._colour(job.status)}]{state}[/] {place}  {took}".rstrip()

    def _symbol(self, status: str) -> str:
        return _SYMBOLS[status][0 if self._console.encoding.startswith("utf") else 1]

    def _colour(self, status: str) -> str:
        return _SYMBOLS[status][2]


def console() -> Console:
    """Open standard error for colours, where it is a terminal."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def draws(shown_on: Console) -> bool:
    """Tell whether a picture can be drawn and drawn again."""
    dumb = os.environ.get("TERM", "dumb") in {"dumb", "unknown", ""}
    return shown_on.is_terminal and sys.stderr.isatty() and not dumb


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)

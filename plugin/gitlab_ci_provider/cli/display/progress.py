"""The progress of a run's jobs: a live table on a terminal, otherwise one line per change."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.display.live import LivePicture, one_line
from gitlab_ci_provider.cli.display.rows import Row, clock, counts, done, duration, rows
from gitlab_ci_provider.cli.terminal import safe, safe_log
from gitlab_ci_provider.local.follow.progress import JobProgress, RunProgress

if TYPE_CHECKING:
    from rich.console import RenderableType
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
_TIME, _GAPS = 6, 8
"""Columns of the terminal for times and between columns."""

_BELOW = 3
"""Rows of the terminal that are not for jobs: the heading, the total, and the cursor's row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How much is shown: `quiet` no states; `timestamps` begin lines; `logs` get half the rows."""

    quiet: bool = False
    timestamps: bool = False
    logs: bool = False


class Progress:
    """Shows a run in progress; use as a context manager."""

    def __init__(self, style: Style = Style()) -> None:
        self._style = style
        self._picture = LivePicture(self._render, per_second=4)
        self._seen: dict[str, tuple[str, int]] = {}
        self._now: RunProgress | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Begin to draw."""
        if not self._style.quiet:
            self._picture.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last picture on the screen."""
        self._picture.stop()

    def show(self, now: RunProgress) -> None:
        """Show a run as it is now."""
        self._now = now
        if self._picture.drawn or self._style.quiet:
            return
        for job in now.jobs:
            seen = job.status, _try(job)
            if job.status not in _QUIET and self._seen.get(job.name) != seen:
                self._seen[job.name] = seen
                self.write(self._line(job))

    def tell(self, text: str) -> None:
        """Print a message during the run."""
        if self._picture.drawn:
            self._picture.console.print(safe(text), markup=False, soft_wrap=True)
        else:
            output.note(text)

    def log(self, prefix: str, line: str) -> None:
        """Print a line of a job's log with its own colours, above the table."""
        prefix = f"{self._time()}{prefix}"
        if not self._picture.drawn:
            output.note_log(prefix, line)
            return
        from rich.text import Text

        text = Text.assemble((safe(prefix), "dim"), Text.from_ansi(safe_log(line, colours=True)))
        self._picture.console.print(text, soft_wrap=True)

    def write(self, markup: str) -> None:
        """Print a line in colours, above the table where there is one."""
        try:
            self._picture.console.print(markup, soft_wrap=True)
        except (OSError, ValueError):
            output.note("")  # it finds out whether the reader is still there

    def paused(self) -> AbstractContextManager[None]:
        """Draw nothing for a while, so that a person can type."""
        return self._picture.paused()

    def _render(self) -> RenderableType:
        from rich.console import Group

        if self._now is None:
            return ""
        half = self._style.logs and not self._now.ended
        height = self._picture.console.size.height // (2 if half else 1)
        shown = rows(self._now.jobs, max(1, height - _BELOW), datetime.now(UTC))
        ended, wanted = done(self._now.jobs)
        since = clock(time.monotonic() - self._began)
        total = f"{ended}/{wanted} jobs, {since}"
        if ended < wanted:
            total = f"{total}: {counts([job for job in self._now.jobs if job.status != 'absent'])}"
        return Group(self._table(shown), self._total(ended, wanted, total))

    def _table(self, shown: Sequence[Row]) -> Table:
        """Make the table: times and states of jobs are whole, names share the rest."""
        from rich.markup import escape
        from rich.table import Table

        width = self._picture.console.size.width
        stage = min(max([5, *(len(row.stage) for row in shown)]), max(8, width // 5))
        state = min(max([9, *(len(row.words) + 2 for row in shown)]), max(11, width // 3))
        job = max(8, width - stage - state - _TIME - _GAPS)
        table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
        table.add_column("stage", style="bold", no_wrap=True, max_width=stage)
        table.add_column("job", no_wrap=True, overflow="ellipsis", max_width=job)
        table.add_column("state", no_wrap=True, overflow="ellipsis", width=state)
        table.add_column("time", justify="right", no_wrap=True, width=_TIME)
        for row in shown:
            now = f"[{self._colour(row.status)}]{self._symbol(row.status)} {row.words}[/]"
            name = escape(shortened(safe(row.name), job))
            table.add_row(_escaped(row.stage), name, now if row.words else "", row.time)
        return table

    def _total(self, ended: int, wanted: int, words: str) -> RenderableType:
        """Draw a bar with the number of jobs that have ended, on one line."""
        from rich.progress_bar import ProgressBar

        width = max(8, self._picture.console.size.width // 6)
        bar = ProgressBar(total=max(wanted, 1), completed=ended, width=width)
        return one_line(bar, words, "dim")

    def _line(self, job: JobProgress) -> str:
        place = f"{_escaped(job.stage)} / {_escaped(job.name)}"
        state = f"{self._symbol(job.status)} {job.status:<8}"
        took = duration(job, datetime.now(UTC)) if job.status != "running" else ""
        number = f"  try {_try(job)}" if _try(job) > 1 else ""
        line = f"{self._time()}[{self._colour(job.status)}]{state}[/] {place}{number}  {took}"
        return line.rstrip()

    def _time(self) -> str:
        """Write the time of day, if lines begin with it."""
        return f"{datetime.now().astimezone():%H:%M:%S} " if self._style.timestamps else ""

    def _symbol(self, status: str) -> str:
        return _SYMBOLS[status][0 if self._picture.unicode else 1]

    def _colour(self, status: str) -> str:
        return _SYMBOLS[status][2]


def _try(job: JobProgress) -> int:
    return job.task.try_number if job.task else 0


def shortened(text: str, room: int) -> str:
    """Cut a text in its middle: names of a matrix's jobs begin alike."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= room:
        return text
    head, tail = set_cell_size(text, room // 2), set_cell_size(text[::-1], (room - 1) // 2)[::-1]
    return f"{head}…{tail}"


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(safe(text))

"""A job's output in Airflow's task log: GitLab's sections become foldable groups.

The job writes GitLab's markers (`section_start:<time>:<name>` and `section_end:...`), for the
phases and wherever a script makes sections of its own; Airflow folds between `::group::` and
`::endgroup::`. In addition, the bytes as the job wrote them can be kept in a file. Secrets become
`[MASKED]` in both.

A line of the job is an event of Airflow's log, which costs so much in both of Airflow's processes
that a fast job would wait for them. So when there are very many, an event has many lines.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Protocol

from gitlab_ci_provider.runs.job.position import BEGINNING, Position
from gitlab_ci_provider.variables.masking import Masker, log_masker

_MARKER = re.compile(
    r"(?:\x1b\[0K)?section_(?P<kind>start|end):\d+:(?P<name>[\w.-]+)(?:\[[^\[\]]*\])?"
    r"\r?(?:\x1b\[0K)?"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

_LONGEST_LINE = 1 << 18
"""Bytes; longer lines are shown in pieces."""

_MOST_EVENTS, _EVENTS_A_SECOND = 500, 200
"""How many lines at once, and how many a second, are separate events."""

_LARGEST_EVENT = 1 << 16
"""Characters in an event of many lines."""

_STAYS_OPEN = frozenset({"step_script", "after_script"})
"""Sections without a group: the script's output is what people open a log for."""

Say = Callable[[str], None]


def without_first(say: Say, count: int) -> Say:
    """Leave out so many lines: they have been said."""
    left = count

    def rest(text: str) -> None:
        nonlocal left
        lines = text.split("\n")
        new, left = lines[left:], max(0, left - len(lines))
        if new:
            say("\n".join(new))

    return rest


class Sink(Protocol):
    """Where bytes can be written."""

    def write(self, data: bytes, /) -> object:
        """Write bytes."""


class Events:
    """Logs lines one by one unless there are too many, then many at once."""

    def __init__(self, say: Say, clock: Callable[[], float] = time.monotonic):
        self._say = say
        self._clock = clock
        self._allowed = float(_MOST_EVENTS)
        self._counted = clock()

    def say(self, lines: list[str]) -> None:
        """Log lines in their order."""
        now = self._clock()
        earned = (now - self._counted) * _EVENTS_A_SECOND
        self._allowed, self._counted = min(_MOST_EVENTS, self._allowed + earned), now
        alone = min(len(lines), int(self._allowed))
        self._allowed -= alone
        for line in lines[:alone]:
            self._say(line)
        for text in _in_pieces(lines[alone:]):
            self._say(text)


def _in_pieces(lines: list[str]) -> Iterator[str]:
    """Join lines, as many as fit into an event."""
    held: list[str] = []
    size = 0
    for line in lines:
        if held and size + len(line) > _LARGEST_EVENT:
            yield "\n".join(held)
            held, size = [], 0
        held.append(line)
        size += len(line) + 1
    if held:
        yield "\n".join(held)


class JobLog:
    """Writes a job's output to a logger, and to a file when there is one.

    Args:
        say: takes events of Airflow's log.
        raw: takes the bytes.
        masker: hides secrets in both.
        begin: where another log of the same job has stopped.

    Attributes:
        size: bytes that were written, also before.
    """

    def __init__(
        self,
        say: Say,
        raw: Sink | None = None,
        masker: Masker | None = None,
        begin: Position = BEGINNING,
    ):
        self._events = Events(say)
        self._say = say
        self._raw = raw
        self._masker = masker or log_masker(())
        self._open = list(begin.groups)
        self._begun = b""
        self._cut = self._in_part = begin.cut
        self._left = False
        self._asides = b""
        self._lock = RLock()
        self.size = begin.size

    @property
    def groups(self) -> tuple[str, ...]:
        """The sections that are open."""
        return tuple(self._open)

    def write(self, data: bytes) -> None:
        """Take the next bytes as the job wrote them."""
        with self._lock:
            self._put(self._masker.feed(data))

    def aside(self, lines: bytes) -> None:
        """Take whole lines of somebody else, without secrets; from any thread.

        They come between two lines of the job: a line that has begun ends first.
        """
        with self._lock:
            self._asides += lines
            self._put_asides()

    def pause(self) -> None:
        """Show the beginning of a line whose rest may take a while: it may ask for something."""
        with self._lock:
            self._put(self._masker.release())
            begun, self._begun = self._begun, b""
            if begun:
                self._show(begun)
                self._cut = self._in_part = True

    def leave(self) -> bool:
        """Stop, so that another log can go on; tells whether that is in the middle of a line.

        It is when a part of the line has been shown; what is known of it is shown, too, then.
        Otherwise the log ends with the line before.
        """
        with self._lock:
            self._left = True
            if not self._in_part:
                self.size -= len(self._begun)
                self._begun = b""
                return False
            self.flush()
            return True

    def abandon(self) -> None:
        """Stop without another word."""
        self._left = True

    def flush(self) -> None:
        """Write what was kept: nothing follows, though the line has no end."""
        with self._lock:
            self._put(self._masker.flush())
            begun, self._begun = self._begun, b""
            if begun:
                self._show(begun)
            self._in_part = False

    def close(self) -> None:
        """End the line and the groups that the job left open, unless another log goes on."""
        if self._left:
            return
        self.flush()
        self._put_asides(now=True)
        while self._open:
            self._open.pop()
            self._say("::endgroup::")

    def _put(self, shown: bytes) -> None:
        if not shown:
            return
        self.size += len(shown)
        if self._raw is not None:
            self._raw.write(shown)
        self._in_part = self._in_part and b"\n" not in shown
        if self._cut:  # the end of a line that was shown is not another line
            self._cut = False
            shown = shown.removeprefix(b"\r").removeprefix(b"\n")
        lines, newline, self._begun = (self._begun + shown).rpartition(b"\n")
        if newline:
            self._show(lines)
        if len(self._begun) > _LONGEST_LINE:
            begun, self._begun = self._begun, b""
            self._show(begun)
            self._in_part = True
        self._put_asides()

    def _put_asides(self, *, now: bool = False) -> None:
        if not self._asides or self._left or ((self._begun or self._in_part) and not now):
            return
        lines, self._asides = self._asides, b""
        self.size += len(lines)
        if self._raw is not None:
            self._raw.write(lines)
        self._events.say(lines.decode("utf-8", "replace").removesuffix("\n").split("\n"))

    def _show(self, data: bytes) -> None:
        """Show lines; the last line end is already removed."""
        lines = data.decode("utf-8", "replace").split("\n")
        if b"section_" not in data:
            self._events.say([shown for line in lines for shown in _visible(line)])
            return
        held: list[str] = []
        for line in lines:
            for marker, text in self._parts(line):
                if marker:
                    self._events.say(held)
                    held = []
                    self._say(text)
                else:
                    held.append(text)
        self._events.say(held)

    def _parts(self, text: str) -> Iterator[tuple[bool, str]]:
        """Yield what a person sees of one line, and whether it begins or ends a group."""
        at = 0
        for marker in _MARKER.finditer(text):
            yield from ((False, shown) for shown in _visible(text[at : marker.start()], part=True))
            at = marker.end()
            if marker["kind"] == "end":
                yield from ((True, line) for line in self._end(marker["name"]))
                continue
            if marker["name"] in _STAYS_OPEN:
                break
            self._open.append(marker["name"])
            title = _COLOUR.sub("", text[at:]).strip() or marker["name"]
            yield True, f"::group::{title}"
            return
        yield from ((False, shown) for shown in _visible(text[at:], part=at > 0))

    def _end(self, name: str) -> Iterator[str]:
        if name not in self._open and name not in _STAYS_OPEN:
            return
        while self._open:
            closed = self._open.pop()
            yield "::endgroup::"
            if closed == name:
                return


def _visible(text: str, *, part: bool = False) -> Iterator[str]:
    """Show what a terminal would: a carriage return starts the line again."""
    shown = text.rstrip("\r").rpartition("\r")[2]
    if shown or not part:
        yield shown


@contextmanager
def job_log(
    say: Say, path: Path | None, masker: Masker | None = None, begin: Position = BEGINNING
) -> Iterator[JobLog]:
    """Open a job's log; `path` keeps its bytes, secrets masked, else as they were written."""
    if path is None:
        log = JobLog(say, masker=masker, begin=begin)
        yield log
        log.close()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab" if begin.size else "wb", buffering=0) as raw:  # every line is seen at once
        if raw.tell() > begin.size:  # another process had come further, and was lost
            raw.truncate(begin.size)
        log = JobLog(say, raw, masker, begin)
        try:
            yield log
        finally:
            log.close()

"""A job's output in Airflow's task log: GitLab's sections become foldable groups.

The job writes GitLab's markers (`section_start:<time>:<name>` and `section_end:...`), for the
phases and wherever a script makes sections of its own; Airflow folds between `::group::` and
`::endgroup::`. Beside it, the bytes as the job wrote them can be kept in a file. Secrets become
`[MASKED]` in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from gitlab_ci_provider.variables.masking import Masker

_MARKER = re.compile(
    r"(?:\x1b\[0K)?section_(?P<kind>start|end):\d+:(?P<name>[\w.-]+)(?:\[[^\]]*\])?"
    r"\r?(?:\x1b\[0K)?"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

Say = Callable[[str], None]


class Sink(Protocol):
    """Where bytes can be written."""

    def write(self, data: bytes, /) -> object:
        """Write bytes."""


class JobLog:
    """Writes lines of a job to a logger, and to a file when there is one."""

    def __init__(self, say: Say, raw: Sink | None = None, masker: Masker | None = None):
        self._say = say
        self._raw = raw
        self._masker = masker or log_masker(())
        self._open: list[str] = []

    def write(self, piece: bytes) -> None:
        """Take a line as the job wrote it, or a piece of a very long one."""
        self._put(self._masker.feed(piece))

    def flush(self) -> None:
        """Write what was kept: nothing follows, though the line has no end."""
        self._put(self._masker.flush())

    def _put(self, shown: bytes) -> None:
        if not shown:
            return
        if self._raw is not None:
            self._raw.write(shown)
        for text in self._shown(shown.decode("utf-8", "replace").rstrip("\n")):
            self._say(text)

    def close(self) -> None:
        """End the line and the groups that the job left open."""
        self.flush()
        while self._open:
            self._open.pop()
            self._say("::endgroup::")

    def _shown(self, text: str) -> Iterator[str]:
        """Yield what a person sees of one line."""
        at = 0
        for marker in _MARKER.finditer(text):
            yield from _visible(text[at : marker.start()])
            at = marker.end()
            if marker["kind"] == "end":
                yield from self._end(marker["name"])
                continue
            self._open.append(marker["name"])
            title = _COLOUR.sub("", text[at:]).strip() or marker["name"]
            yield f"::group::{title}"
            return
        yield from _visible(text[at:], empty=at == 0)

    def _end(self, name: str) -> Iterator[str]:
        if name not in self._open:
            return
        while self._open:
            closed = self._open.pop()
            yield "::endgroup::"
            if closed == name:
                return


def _visible(text: str, *, empty: bool = False) -> Iterator[str]:
    """Show what a terminal would: after a carriage return the line is written anew."""
    shown = text.rstrip("\r").rpartition("\r")[2]
    if shown or empty:
        yield shown


def log_masker(values: Iterable[str]) -> Masker:
    """Make what hides values in a log; RE2 takes the same short time for any number of them."""

    def search(pattern: bytes) -> Callable[[bytes], object]:
        import re2

        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = 256 * 1024 * 1024
        found: Callable[[bytes], object] = re2.compile(pattern, options).search
        return found

    return Masker(values, search)


@contextmanager
def job_log(say: Say, path: Path | None, masker: Masker | None = None) -> Iterator[JobLog]:
    """Open a job's log; `path` keeps its bytes, secrets masked, else as they were written."""
    if path is None:
        log = JobLog(say, masker=masker)
        yield log
        log.close()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb", buffering=0) as raw:  # whoever reads along sees every line
        log = JobLog(say, raw, masker)
        try:
            yield log
        finally:
            log.close()

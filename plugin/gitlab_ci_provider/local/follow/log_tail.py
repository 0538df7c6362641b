"""The log of a job while it is written, line by line, for a person who reads along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_MARKER = re.compile(
    rb"(?:\x1b\[0K)?section_(?:start|end):\d+:[\w.-]+(?:\[[^\]]*\])?\r?(?:\x1b\[0K)?"
)

_MOST = 1024 * 1024


class LogTail:
    """Reads what has been added to the newest log of a job; another try begins another file."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._at = 0
        self._rest = b""

    def read(self, path: Path | None) -> Iterator[str]:
        """Give the complete lines that are new, as a terminal shows them."""
        if path is None:
            return
        if path != self._path:
            yield from self.end()
            self._path, self._at = path, 0
        try:
            with path.open("rb") as file:
                file.seek(self._at)
                added = file.read(_MOST)
        except OSError:
            return
        self._at += len(added)
        *lines, self._rest = (self._rest + added).split(b"\n")
        for line in lines:
            yield from _shown(line)

    def end(self) -> Iterator[str]:
        """Give what is left of a last line without an end."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from _shown(rest)


def _shown(line: bytes) -> Iterator[str]:
    """Leave out GitLab's markers, and what was written over on the same line."""
    text = _MARKER.sub(b"", line).rstrip(b"\r")
    text = text.rpartition(b"\r")[2].replace(b"\x1b[0K", b"")
    if text or not _MARKER.search(line):
        yield text.decode("utf-8", "replace")

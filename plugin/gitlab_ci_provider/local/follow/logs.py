"""Job logs as the jobs wrote them: followed line by line, cut to the script, saved."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_START = re.compile(rb"section_start:\d+:(?:step_script|after_script)[^\r\n]*\r\x1b\[0K[^\n]*\n")
_END = re.compile(
    rb"section_end:\d+:(?:step_script|after_script)\r\x1b\[0K"
    rb"|section_start:\d+:(?:after_script|archive_cache|upload_artifacts|cleanup_file_variables)"
)
"""A killed script has no end marker: the next section ends it."""

_CLEAR = b"\x1b[0K"

_NO_FILE_NAME = re.compile(r"[/\x00-\x1f\x7f]")

_LONGEST = 200
"""Bytes: a file name may have 255, and a suffix is added."""


def script_output(log: Path) -> bytes:
    """Cut out what the job's scripts wrote; everything when no script was started."""
    whole = log.read_bytes()
    parts, at = [], 0
    while start := _START.search(whole, at):
        end = _END.search(whole, start.end())
        at = end.start() if end else len(whole)
        parts.append(whole[start.end() : at].removesuffix(_CLEAR))
    return b"".join(parts) if parts else whole


def save_logs(jobs: Mapping[str, dict[str, object]], folder: Path) -> None:
    """Write a file for each job that ran, named after the job, and put its path into the result."""
    folder.mkdir(parents=True, exist_ok=True)
    names = file_names(jobs)
    for name, job in jobs.items():
        if job["log"]:
            path = folder / f"{names[name]}.log"
            path.write_bytes(script_output(Path(str(job["log"]))))
            job["log"] = str(path)


def file_names(jobs: Iterable[str]) -> dict[str, str]:
    """Name a file for each job: after the job where possible, without duplicates.

    Jobs whose name is a valid file name come first: no other job's file takes it.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for job in sorted(jobs, key=lambda one: (_file_name(one) != one, one)):
        name = _file_name(job)
        if name in taken:
            digest = hashlib.sha256(job.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            name = f"{name}-{digest}"
        taken.add(name)
        names[job] = name
    return names


def _file_name(job: str) -> str:
    """Keep the job's name, except what a file name cannot hold."""
    name = _NO_FILE_NAME.sub("_", job).lstrip(".") or "job"
    try:
        length = len(os.fsencode(name))
    except UnicodeEncodeError:  # the locale lacks these characters
        name = name.encode("ascii", "replace").decode().replace("?", "_")
        length = len(name)
    if length <= _LONGEST:
        return name
    return os.fsencode(name)[:_LONGEST].decode(errors="ignore").rstrip()


_MARKER = re.compile(
    rb"(?:\x1b\[0K)?section_(?:start|end):\d+:[\w.-]+(?:\[[^\]]*\])?\r?(?:\x1b\[0K)?"
)

_READ_AT_ONCE = 1024 * 1024


class LogTail:
    """Reads what was added to the newest log of a job; another try has another file."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._at = 0
        self._rest = b""

    def read(self, path: Path | None) -> Iterator[str]:
        """Yield the new complete lines, as a terminal shows them."""
        if path is None:
            return
        if path != self._path:
            yield from self.end()
            self._path, self._at = path, 0
        try:
            with path.open("rb") as file:
                file.seek(self._at)
                added = file.read(_READ_AT_ONCE)
        except OSError:
            return
        self._at += len(added)
        *lines, self._rest = (self._rest + added).split(b"\n")
        for line in lines:
            yield from _shown(line)

    def end(self) -> Iterator[str]:
        """Yield the rest of a last line that has no end."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from _shown(rest)


def _shown(line: bytes) -> Iterator[str]:
    """Leave out GitLab's markers, and text that was overwritten on the same line."""
    text = _MARKER.sub(b"", line).rstrip(b"\r")
    text = text.rpartition(b"\r")[2].replace(b"\x1b[0K", b"")
    if text or not _MARKER.search(line):
        yield text.decode("utf-8", "replace")

"""What may be printed on a terminal of texts that authors of pipelines have written.

Names of jobs and logs may contain anything: sequences that clear the screen, rename the window,
write to the clipboard or hide what was printed before. Only colours of logs reach a terminal.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters apart from tab and line feed, and those that reverse the order of a line."""

_SEQUENCE = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    "|\x1b[\\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\\\)?"  # titles, clipboard, links
    "|\x1b[ -/]*[0-~]"
)
_COLOUR = re.compile("\x1b\\[[0-9;:]*m")


def safe(text: str) -> str:
    """Escape what no terminal should get; a text without such characters is returned as it is."""
    return _UNSAFE.sub(_escape, text) if _UNSAFE.search(text) else text


def safe_log(line: str, *, colours: bool) -> str:
    """Clean a line of a log: colours may stay, other sequences go, the rest is escaped."""
    if not _UNSAFE.search(line):
        return line
    line = line.rstrip("\r").rpartition("\r")[2]
    parts: list[str] = []
    at, coloured = 0, False
    for found in _SEQUENCE.finditer(line):
        parts.append(safe(line[at : found.start()]))
        if colours and _COLOUR.fullmatch(found[0]):
            parts.append(found[0])
            coloured = True
        at = found.end()
    parts.append(safe(line[at:]))
    return "".join(parts) + ("\x1b[0m" if coloured else "")


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")

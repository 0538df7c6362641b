"""The only place that prints: results to standard output, everything else to standard error.

The reader may have gone (`| head`), the terminal may be closed, the locale may lack the letters:
printing never fails, and characters that cannot be written, or that a terminal would obey, are
escaped.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from typing import IO

from gitlab_ci_provider.cli.terminal import safe, safe_log
from gitlab_ci_provider.model.diagnostic import Diagnostic

_UNESCAPED = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What JSON leaves as it is, and a terminal would obey."""


def prepare() -> None:
    """Make the standard streams usable, however the program was started.

    A closed one is redirected to nowhere: otherwise the next opened file would take its place.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+"))  # noqa: PTH123, SIM115 - it stays open
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Print a result."""
    _print(safe(text), sys.stdout)


def say_log(line: str, *, raw: bool = False) -> None:
    """Print a line of a job's log as a result; colours only on a terminal.

    Args:
        line: as the job wrote it.
        raw: print it unchanged, for programs.
    """
    _print(line if raw else safe_log(line, colours=_has_colours(sys.stdout)), sys.stdout)


def say_json(value: object, *, indent: int | None = None) -> None:
    """Print a result for programs, complete and valid in any locale."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, indent=indent, ensure_ascii=plain)
    _print(_UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text), sys.stdout)


def note(text: str) -> None:
    """Print a message about what happens."""
    _print(safe(text), sys.stderr)


def note_log(prefix: str, line: str) -> None:
    """Print a line of a job's log as it happens; colours only on a terminal."""
    _print(f"{safe(prefix)}{safe_log(line, colours=_has_colours(sys.stderr))}", sys.stderr)


def ask(text: str) -> None:
    """Print a question; the answer is typed after it."""
    _print(safe(text), sys.stderr, end="")
    flush()


def error(text: str) -> None:
    """Print what went wrong."""
    _print(f"gitlab-dags: {safe(text)}", sys.stderr)


def diagnostics(found: Iterable[Diagnostic], *, of: str = "", most: int | None = None) -> None:
    """Print findings, one per line, each with its hint below.

    Args:
        found: the findings.
        of: what they are about; it is named first, if there are any.
        most: print no more than these, and how many there are besides.
    """
    listed = list(found)
    if of and listed:
        note(f"{of}:")
    for finding in listed[:most]:
        note(str(finding))
        if finding.hint:
            note(f"    {finding.hint}")
    if left := len(listed[most:] if most else ()):
        note(f"and {left} more; `gitlab-dags lint` lists all")


def flush() -> None:
    """Write what is buffered."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _abandon(stream)


def _has_colours(stream: IO[str]) -> bool:
    """Return whether colours may be printed, see https://no-color.org."""
    try:
        return stream.isatty() and not os.environ.get("NO_COLOR")
    except ValueError:  # closed
        return False


def _print(text: str, stream: IO[str], end: str = "\n") -> None:
    try:
        print(text, file=stream, end=end)
    except (OSError, ValueError):  # nobody reads, the disk is full, the stream is closed
        _abandon(stream)


def _abandon(stream: IO[str]) -> None:
    """Redirect a stream to nowhere, so that it cannot fail again."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return

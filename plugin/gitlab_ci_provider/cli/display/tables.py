"""Plain tables for terminals and pipes, and words for sizes and times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from gitlab_ci_provider.model.project import is_commit_id
from gitlab_ci_provider.model.quoted import quoted

_STEPS = ("B", "KiB", "MiB", "GiB", "TiB")
_KIBI = 1024
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[BKMGT])?(?:i?B)?", re.IGNORECASE)
_UNITS = ((86_400, "d"), (3600, "h"), (60, "m"))


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a heading and the rows below it, aligned; nothing without rows.

    Control characters in names are escaped: they come from authors of pipelines. A commit, as `ref`
    of a run of one, is shown by its first eight digits.
    """
    if not rows:
        return
    yield from aligned([heading, *([_shown(cell) for cell in row] for row in rows)])


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines with aligned columns, two spaces apart; the last column is not padded."""
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        whole = [padded(cell, width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(whole).rstrip()


def columns(text: str) -> int:
    """Count the columns that a text has on a terminal: Chinese and emoji take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # few tables need it

    return cell_len(text)


def padded(text: str, width: int) -> str:
    """Fill a text with spaces up to so many columns."""
    return text + " " * (width - columns(text))


def with_files(lines: Iterator[str], files: Iterable[Iterable[tuple[str, int]]]) -> Iterator[str]:
    """Yield a table with the files of each row below it, each a path and its size."""
    yield from islice(lines, 1)
    for line, inside in zip(lines, files, strict=True):
        yield line
        yield from aligned([(f"  {quoted(path)}", size(count)) for path, count in inside])


def _shown(cell: str) -> str:
    return cell[:8] if is_commit_id(cell) else quoted(cell)


def size(count: int) -> str:
    """Write a number of bytes as `ls -h` does: `1.5 MiB`."""
    number, step = float(count), 0
    while number >= _KIBI and step < len(_STEPS) - 1:
        number, step = number / _KIBI, step + 1
    return f"{number:.1f} {_STEPS[step]}" if step else f"{count} B"


def parse_size(words: str) -> int | None:
    """Read a number of bytes: `0`, `500M`, `20 GiB`; None when it is not one. A unit is binary."""
    found = _SIZE.fullmatch(words.strip())
    if found is None:
        return None
    return int(float(found["number"]) * _KIBI ** "BKMGT".index((found["unit"] or "B").upper()))


def ago(seconds: float) -> str:
    """Write a length of time as kubectl does: `3d`, `2h`."""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"


def moment(seconds: float | None) -> str:
    """Write a moment in UTC; `-` for none."""
    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")

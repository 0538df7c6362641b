"""Where in a TOML file each option was written, which Python's own reader does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]

_TABLE = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_QUOTES = ('"' * 3, "'" * 3)
_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')


def toml_lines(text: str) -> Mapping[Path, int]:
    """Return the line of each table and each key that begins a line, by its path.

    Tables of arrays are counted: `("runners", 1, "kubernetes", "namespace")`.
    """
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in _statements(text):
        if found := _TABLE.match(line):
            table = _table(_parts(found[2]), counts, several=found[1] == "[[")
            lines[table] = number
        elif found := _KEY.match(line):
            lines.setdefault((*table, *_parts(found[1])), number)
    return lines


def _table(parts: Path, counts: dict[Path, int], *, several: bool) -> Path:
    """Resolve a table's name to a path, counting the tables of arrays on the way."""
    path: Path = ()
    for position, part in enumerate(parts):
        path = (*path, part)
        if several and position == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _parts(name: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(name))


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """List lines that begin a statement: those inside of long strings and lists do not."""
    quotes, depth = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if not quotes and not depth:
            yield number, line
        opened = quotes
        for mark in (quotes,) if quotes else _QUOTES:
            if line.count(mark) % 2:
                quotes = "" if quotes else mark
                break
        if opened or quotes or _TABLE.match(line):
            continue
        plain = _STRING.sub("", line).partition("#")[0]
        depth += plain.count("[") - plain.count("]")

"""Globs of `changes` and `exists`: Ruby's File.fnmatch with PATHNAME, DOTMATCH and EXTGLOB.

`*` and `?` stay within a folder, `**/` crosses folders (or none), any other `**` is a `*`,
`{a,b}` are alternatives. They are matched by RE2, in linear time.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gitlab_ci_provider.rules.expression.regex import CompiledRegex, compile_re2

MAX_ALTERNATIVES = 1000
_SPECIAL = frozenset("*?[{\\")


def is_plain(pattern: str) -> bool:
    """Return whether a pattern names one path."""
    return not _SPECIAL.intersection(pattern)


@lru_cache(maxsize=1024)
def compile_fnmatch(pattern: str) -> CompiledRegex | None:
    """Compile a pattern; None when nothing can match it."""
    alternatives = [_translate(part) for part in expand_braces(pattern)]
    possible = [translated for translated in alternatives if translated is not None]
    return compile_re2(r"(?s)\A(?:" + "|".join(possible) + r")\z") if possible else None


@lru_cache(maxsize=1024)
def compile_wildcards(pattern: str) -> CompiledRegex | None:
    """Compile what `include:local` and `cache:key:files` take: `**` crosses folders, `*` does not.

    Source: GitLab's `Repository#search_files_by_wildcard_path`.
    """
    escaped = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return compile_re2(rf"(?s)\A{escaped}\z")


def matches(pattern: str, path: str) -> bool:
    """Return whether a path matches a pattern."""
    if is_plain(pattern):
        return pattern == path
    regex = compile_fnmatch(pattern)
    return regex is not None and regex.found_in(path)


def expand_braces(pattern: str) -> list[str]:
    """List the patterns that `{a,b}` stands for, at most 1,000; none for a brace left open."""
    done: list[str] = []
    waiting = [pattern]
    while waiting and len(done) + len(waiting) <= MAX_ALTERNATIVES:
        current = waiting.pop()
        opened = _BRACE.match(current)
        if opened is None:
            done.append(current)
        else:
            waiting.extend(reversed(_alternatives(current, opened.end() - 1)))
    return done + waiting


_CHARACTER = re.compile(r"\\.|.", re.DOTALL)
_BRACE = re.compile(r"(?:\\.|[^\\{])*\{", re.DOTALL)


def _alternatives(pattern: str, start: int) -> list[str]:
    """Replace the brace at `start` by each of its choices."""
    depth = 0
    choices = [""]
    for found in _CHARACTER.finditer(pattern, start):
        character = found[0]
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return [pattern[:start] + choice + pattern[found.end() :] for choice in choices]
        if character == "," and depth == 1:
            choices.append("")
        elif found.start() > start:
            choices[-1] += character
    return []


_TOKEN = re.compile(
    r"(?P<any>\*\*/(?:\*\*/)*)|(?P<star>\*+)|(?P<one>\?)|(?P<set>\[)"
    r"|\\(?P<escaped>.)|(?P<last>\\)|(?P<plain>.)",
    re.DOTALL,
)
_ANY = r"(?:[^/]+/)*"
_SLASH = ord("/")


def _translate(pattern: str) -> str | None:
    """Translate a pattern without alternatives to a regular expression; None matches nothing."""
    out: list[str] = []
    position = 0
    while found := _TOKEN.match(pattern, position):
        if found["set"]:
            translated = _translate_set(pattern, found.end())
            if translated is None:
                return None
            piece, position = translated
        else:
            piece = _piece(found, position == 0 or pattern[position - 1] == "/")
            position = found.end()
        out.append(piece)
    return "".join(out)


def _piece(found: re.Match[str], segment_start: bool) -> str:
    if found["any"]:
        return _ANY if segment_start else r"[^/]*/"
    if found["star"]:
        return r"[^/]*"
    if found["one"]:
        return r"[^/]"
    return re.escape(found["escaped"] or found["plain"] or "")


_MEMBER = re.compile(r"(?:\\(.)|([^\]\\]))(?:-(?!\])(?:\\(.)|([^\\])))?", re.DOTALL)


def _translate_set(pattern: str, position: int) -> tuple[str, int] | None:
    """Translate `[a-c]`, `[!a]` or `[^a]`; None without its end. A slash never matches."""
    negated = pattern[position : position + 1] in ("!", "^")
    position += negated
    ranges: list[tuple[int, int]] = []
    while (found := _MEMBER.match(pattern, position)) is not None:
        first, last = found[1] or found[2], found[3] or found[4]
        ranges += _range(ord(first), ord(last or first))
        position = found.end()
    if pattern[position : position + 1] != "]":
        return None
    if negated:
        return f"[^/{_class(ranges)}]", position + 1
    kept = [part for span in ranges for part in _without_slash(*span)]
    return (f"[{_class(kept)}]" if kept else r"[^\x00-\x{10ffff}]"), position + 1


def _range(low: int, high: int) -> list[tuple[int, int]]:
    """Return a range; one that is written backwards stands for its two ends."""
    return [(low, high)] if low <= high else [(low, low), (high, high)]


def _without_slash(low: int, high: int) -> list[tuple[int, int]]:
    parts = ((low, min(high, _SLASH - 1)), (max(low, _SLASH + 1), high))
    return [(start, end) for start, end in parts if start <= end]


def _class(ranges: list[tuple[int, int]]) -> str:
    return "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in ranges)

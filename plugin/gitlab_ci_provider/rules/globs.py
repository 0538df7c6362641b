"""Globs of `changes` and `exists`: Ruby's File.fnmatch with PATHNAME, DOTMATCH and EXTGLOB.

`*` and `?` stay within a folder, `**/` crosses folders (none, too), any other `**` is a `*`,
`{a,b}` are alternatives. They are matched by RE2, in linear time.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gitlab_ci_provider.rules.expression.regex import CompiledRegex, compile_re2

MAX_ALTERNATIVES = 1000
_SPECIAL = frozenset("*?[{\\")


def is_plain(pattern: str) -> bool:
    """Tell whether a pattern names one path."""
    return not _SPECIAL.intersection(pattern)


@lru_cache(maxsize=1024)
def compile_glob(pattern: str) -> CompiledRegex | None:
    """Compile a pattern; None when nothing can match it."""
    alternatives = [_translate(one) for one in expand_braces(pattern)]
    return compile_re2(r"(?s)\A(?:" + "|".join(alternatives) + r")\z")


def matches(pattern: str, path: str) -> bool:
    """Tell whether a path matches a pattern."""
    if is_plain(pattern):
        return pattern == path
    regex = compile_glob(pattern)
    return regex is not None and regex.search(path) is not None


def expand_braces(pattern: str) -> list[str]:
    """List the patterns that `{a,b}` stands for, at most 1,000."""
    done: list[str] = []
    waiting = [pattern]
    while waiting and len(done) + len(waiting) <= MAX_ALTERNATIVES:
        one = waiting.pop()
        parts = _first_brace(one)
        if parts is None:
            done.append(one)
            continue
        head, choices, tail = parts
        waiting.extend(head + choice + tail for choice in reversed(choices))
    return done + waiting


def _first_brace(pattern: str) -> tuple[str, list[str], str] | None:
    start = pattern.find("{")
    if start < 0:
        return None
    depth = 0
    choices = [""]
    for position in range(start, len(pattern)):
        character = pattern[position]
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return pattern[:start], choices, pattern[position + 1 :]
        if character == "," and depth == 1:
            choices.append("")
        elif position > start:
            choices[-1] += character
    return None


_TOKEN = re.compile(
    r"(?P<any>\*\*/(?:\*\*/)*)|(?P<star>\*+)|(?P<one>\?)|(?P<set>\[[^\]/]+\])|\\?(.)", re.S
)


def _translate(pattern: str) -> str:
    """Translate a pattern without alternatives to a regular expression."""
    out: list[str] = []
    position = 0
    while position < len(pattern):
        found = _TOKEN.match(pattern, position)
        if found is None:
            break
        segment_start = position == 0 or pattern[position - 1] == "/"
        out.append(_piece(found, segment_start))
        position = found.end()
    return "".join(out)


def _piece(found: re.Match[str], segment_start: bool) -> str:
    if found["any"]:
        return r"(?:[^/]+/)*" if segment_start else r"[^/]*/"
    if found["star"]:
        return r"[^/]*"
    if found["one"]:
        return r"[^/]"
    if found["set"]:
        inside = found["set"][1:-1]
        negated = inside[0] in "!^"
        body = re.escape(inside[1:] if negated else inside).replace(r"\-", "-")
        return f"[^/{body}]" if negated else f"[{body}]"
    return re.escape(found[5])

r"""`regexp` of `changes` and `exists`: Ruby's expressions over paths, as far as RE2 decides them.

Unlike GitLab, which gives Ruby's engine a time limit, lookarounds are possible only where they say
how a path begins: `\A(?!docs/)` is the same as "not `\Adocs/`", which needs no lookaround.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from gitlab_ci_provider.rules.expression.regex import CompiledRegex, compile_re2

MAX_LENGTH = 255
NO_ENGINE = r"Lookarounds are possible only at the beginning, as in `\A(?!docs/)`."

_START = re.compile(r"\\A|\^")
_LOOKAHEAD = re.compile(r"\(\?([!=])")
_TOKEN = re.compile(r"\\.|\[(?:\\.|\[:\w+:\]|[^\]\\])*\]|[()|]", re.DOTALL)
"""What a backslash or brackets take the meaning from, and what has one."""


@dataclass(frozen=True, slots=True)
class PathRegexp:
    """A path matches when all of `wanted` and none of `unwanted` are found in it."""

    wanted: tuple[CompiledRegex, ...]
    unwanted: tuple[CompiledRegex, ...] = ()

    def found_in(self, path: str) -> bool:
        """Return whether a path matches."""
        if any(regex.found_in(path) for regex in self.unwanted):
            return False
        return all(regex.found_in(path) for regex in self.wanted)


@lru_cache(maxsize=1024)
def compile_path_regexp(pattern: str) -> PathRegexp | None:
    """Compile a pattern; None when it is invalid, or looks around where RE2 cannot."""
    whole = compile_re2(pattern)
    if whole:
        return PathRegexp((whole,))
    start = _START.match(pattern)
    return _without_lookaheads(start[0], pattern[start.end() :]) if start else None


def _without_lookaheads(start: str, rest: str) -> PathRegexp | None:
    parts: dict[str, list[str]] = {"=": [], "!": []}
    while kind := _LOOKAHEAD.match(rest):
        end, _ = _scan(rest)
        if end == len(rest):
            return None
        parts[kind[1]].append(f"{start}(?:{rest[kind.end() : end]})")
        rest = rest[end + 1 :]
    if _scan(rest)[1]:
        return None
    wanted = [compile_re2(part) for part in (*parts["="], start + rest)]
    unwanted = [compile_re2(part) for part in parts["!"]]
    if None in wanted or None in unwanted:
        return None
    return PathRegexp(tuple(filter(None, wanted)), tuple(filter(None, unwanted)))


def _scan(pattern: str) -> tuple[int, bool]:
    """Find where the first group ends, and whether a `|` outside of groups follows."""
    depth, end, alternatives = 0, len(pattern), False
    for token in _TOKEN.finditer(pattern):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if token[0] == ")" and depth == 0:
            end = min(end, token.start())
        alternatives |= token[0] == "|" and depth == 0
    return end, alternatives

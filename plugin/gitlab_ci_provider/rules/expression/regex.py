"""Regular expressions of GitLab: Ruby's spelling `/.../flags`, RE2's engine.

RE2 runs in linear time, so no pattern of a user can hang us; it has no lookarounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

_SYNTAX = re.compile(r"^/(?P<regexp>.*)/(?P<flags>[ismU]*)$", re.MULTILINE)


class Match(Protocol):
    """One place where a pattern was found."""

    def group(self, number: int, /) -> str | None:
        """Return what a group caught; 0 for all of it."""

    def start(self) -> int:
        """Return where it begins."""

    def end(self) -> int:
        """Return where the rest begins."""


class CompiledRegex:
    """A pattern of RE2; invalid Unicode in a text counts as `?`."""

    __slots__ = ("_regex",)

    def __init__(self, pattern: str):
        import re2

        options = re2.Options()
        options.log_errors = False
        self._regex = re2.compile(pattern, options)

    @property
    def groups(self) -> int:
        """The number of the pattern's groups."""
        return int(self._regex.groups)

    def found_in(self, text: str) -> bool:
        """Return whether the pattern is anywhere in a text."""
        return self._regex.search(text.encode("utf-8", "replace")) is not None

    def finditer(self, text: str) -> Iterable[Match]:
        """Find the pattern everywhere in a text."""
        found: Iterable[Match] = self._regex.finditer(text.encode("utf-8", "replace").decode())
        return found


def is_pattern(text: str) -> bool:
    """Return whether a text has the form of a pattern, whatever is between the slashes."""
    return _SYNTAX.search(text) is not None


@lru_cache(maxsize=1024)
def compile_pattern(source: str) -> CompiledRegex | None:
    """Compile `/regex/flags`; None when it is not of that form or RE2 refuses it."""
    found = _SYNTAX.search(source)
    if found is None:
        return None
    flags = found.group("flags")
    return compile_re2(f"(?{flags}){found.group('regexp')}" if flags else found.group("regexp"))


@lru_cache(maxsize=1024)
def compile_re2(pattern: str) -> CompiledRegex | None:
    """Compile a pattern without slashes; None when RE2 refuses it."""
    import re2

    try:
        return CompiledRegex(pattern)
    except (re2.error, UnicodeEncodeError):
        return None

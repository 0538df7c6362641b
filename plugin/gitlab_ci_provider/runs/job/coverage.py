"""A job's coverage: the number that its `coverage:` finds in its log.

After GitLab's `Gitlab::Ci::Trace::Stream#extract_coverage`, which reads the log backwards; here it
is read as it comes. The last line with a match that holds a number decides; of that line the last
match, of that match the last group, of that text the first number.
"""

from __future__ import annotations

import re
from collections import deque

from gitlab_ci_provider.rules.expression.regex import CompiledRegex, compile_pattern

_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_LONGEST_LINE = 1 << 16
"""Bytes; the rest is ignored. A million matches would stop a triggerer for seconds."""


class CoverageScan:
    """Reads the lines of a log; `value` is the coverage so far, in percent.

    Args:
        pattern: `/regex/` of the job; None finds nothing and costs nothing.
        value: found before.
    """

    def __init__(self, pattern: str | None, value: float | None = None):
        self._regex: CompiledRegex | None = compile_pattern(pattern) if pattern else None
        self.value = value
        self._begun = b""

    def see(self, data: bytes) -> None:
        """Take the next bytes of the log."""
        if self._regex is None:
            return
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self._look(self._regex, line)
        if len(self._begun) > _LONGEST_LINE:
            self._begun = self._begun[:_LONGEST_LINE]

    def flush(self) -> None:
        """End an unfinished line."""
        if self._regex is not None and self._begun:
            self._look(self._regex, self._begun)
        self._begun = b""

    def _look(self, regex: CompiledRegex, line: bytes) -> None:
        text = line[:_LONGEST_LINE].decode("utf-8", "replace").removesuffix("\r")
        found = deque(regex.finditer(text), maxlen=1)
        caught = found[0].group(regex.groups) if found else None
        number = _NUMBER.search(caught or "")
        if number is not None:
            self.value = float(number[0])

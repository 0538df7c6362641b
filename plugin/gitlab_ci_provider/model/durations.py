"""Durations in words: `1 week`, `3h 30m`, `90` (seconds).

Source: GitLab reads them with the gem `chronic_duration`.
"""

from __future__ import annotations

import re

WEEK = 604_800
MONTH = 2_629_746
"""A twelfth of a year: no job may have a longer `timeout`."""
MAX_SECONDS = 10**12
_UNITS = {
    1: "s sec secs second seconds",
    60: "m min mins minute minutes",
    3600: "h hr hrs hour hours",
    86_400: "d day days",
    WEEK: "w wk wks week weeks",
    2_592_000: "mo mos month months",
    31_557_600: "y yr yrs year years",
}
_SECONDS = {word: seconds for seconds, words in _UNITS.items() for word in words.split()}
_TEENS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "ten twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBERS = {word: str(number) for number, word in enumerate(_TEENS.split(), start=1)} | {
    word: f"{number}0" for number, word in enumerate(_TENS.split(), start=1)
}
_WORD = re.compile(r"[a-z]+")
_PART = re.compile(r"\s*(\d*\.?\d+)\s*([a-z]*)\s*(?:and\b|plus\b|with\b|,(?!\d)|(?<=[a-z]),)?")
_CLOCK = re.compile(r"^(?:(?:(\d+):)?(\d+):)?(\d+):(\d+)$")


def parse_duration(words: str) -> int | None:
    """Read a duration in seconds; None when it is not a duration."""
    lowered = _WORD.sub(lambda word: _NUMBERS.get(word[0], word[0]), words.strip().lower())
    clock = _CLOCK.match(lowered)
    if clock:
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    total = 0.0
    position = 0
    while position < len(lowered):
        part = _PART.match(lowered, position)
        if part is None or (part.group(2) and part.group(2) not in _SECONDS):
            return None
        total += float(part.group(1)) * _SECONDS.get(part.group(2), 1)
        position = part.end()
    return int(total) or None if total < MAX_SECONDS else None

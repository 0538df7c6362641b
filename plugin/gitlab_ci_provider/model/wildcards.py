"""Patterns in which `*` stands for any characters, and everything else for itself.

A regular expression with many of them takes for ever for a text that nearly fits, and authors of
pipelines choose the texts.
"""

from __future__ import annotations

from collections.abc import Sequence


def matches(pattern: str, text: str) -> bool:
    """Return whether a whole text is as a pattern says."""
    return fits(pattern.split("*"), text)


def fits(parts: Sequence[str], text: str) -> bool:
    """Return whether a text consists of some parts, with anything between them."""
    first, *others = parts
    if not others:
        return text == first
    *middle, last = others
    at = len(first) if text.startswith(first) else -1
    for part in middle:
        at = text.find(part, at) if at >= 0 else -1
        at += len(part) if at >= 0 else 0
    return 0 <= at <= len(text) - len(last) and text.endswith(last)

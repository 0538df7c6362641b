"""The known word that a mistyped one stands for."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

_LONGEST, _MOST = 100, 1000
"""Characters and words that are compared: more would take long, and nobody reads them."""


def nearest(given: str, known: Iterable[str], at_least: float = 0.6) -> str | None:
    """Find the most similar known word, whatever its capitals; None when none is similar.

    Args:
        given: the mistyped word.
        known: words.
        at_least: how similar, between 0 and 1.
    """
    from difflib import get_close_matches  # rarely needed

    lower = {word.lower(): word for word in islice(known, _MOST)}
    close = get_close_matches(given[:_LONGEST].lower(), lower, n=1, cutoff=at_least)
    return lower[close[0]] if close else None

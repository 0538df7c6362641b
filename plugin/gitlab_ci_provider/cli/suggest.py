"""What somebody may have meant."""

from __future__ import annotations

from collections.abc import Collection

_MANY = 12


def suggestion(given: str, known: Collection[str]) -> str:
    """Name what is like the given word, or all there is when that is little."""
    from difflib import get_close_matches  # few need it

    lower = {one.lower(): one for one in known}
    close = [lower[one] for one in get_close_matches(given.lower(), lower, n=1, cutoff=0.6)]
    if close:
        return f"; did you mean '{close[0]}'?"
    if not known:
        return ""
    listed = ", ".join(list(known)[:_MANY])
    return f"; there are: {listed}{', ...' if len(known) > _MANY else ''}"

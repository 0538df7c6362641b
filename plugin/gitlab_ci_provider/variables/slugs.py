"""Makes names fit for hosts and URLs, as GitLab's slug variables are."""

from __future__ import annotations

import re

MAX_LENGTH = 63
MAX_ENVIRONMENT = 24


def slug(name: str) -> str:
    """Lower case, at most 63 characters, other than letters and digits as `-`, none at the ends."""
    return re.sub(r"[^a-z0-9]", "-", name.lower())[:MAX_LENGTH].strip("-")


def environment_slug(name: str) -> str:
    """Make CI_ENVIRONMENT_SLUG: at most 24 characters, begins with a letter, unique by a hash.

    Source: GitLab's `Gitlab::Slug::Environment`.
    """
    slugified = re.sub(r"[^a-z0-9]", "-", name.lower())
    if not slugified[:1].isalpha():
        slugified = f"env-{slugified}"
    slugified = re.sub(r"-+", "-", slugified)
    if slugified == name and len(slugified) <= MAX_ENVIRONMENT:
        return slugified.removesuffix("-")
    import hashlib  # importing OpenSSL is slow, and most jobs do not need it

    digits = _base36(int(hashlib.sha256(name.encode()).hexdigest(), 16))[-6:]
    return f"{slugified[: MAX_ENVIRONMENT - 7].rstrip('-')}-{digits}"


def _base36(number: int) -> str:
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = alphabet[rest] + digits
    return digits or "0"

"""Flags that take `NAME=VALUE`."""

from __future__ import annotations

import json

from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.model.quoted import quoted


def name_value(flag: str, given: str) -> tuple[str, str]:
    """Read `NAME=VALUE`; anything else ends the command with exit code 2."""
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise WrongUsage(f"{flag} {quoted(given)}: must be NAME=VALUE")
    return name, value


def plain(text: str) -> object:
    """Read a value as JSON; what is no JSON is a text."""
    try:
        value: object = json.loads(text)
    except (RecursionError, ValueError):
        return text
    return value

"""Reads the values of a run's conf, which anyone may have written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.project import is_commit_id

_LONGEST_NUMBER = 18


def text(value: Any) -> str:
    """Write a value as a variable's; a field that was emptied is null in the form."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def boolean(value: Any) -> bool:
    """Read true or false, as JSON has it or as a string."""
    return value is True or text(value) == "true"


def texts(value: Any, name: str) -> tuple[str, ...]:
    """Read a list of strings; a single string is a list of one.

    Raises:
        ConfigError: it is something else.
    """
    if isinstance(value, str):
        return (value,) if value else ()
    if value and not isinstance(value, list | tuple):
        raise ConfigError(f"`{name}` of the run must be a list")
    return tuple(text(entry) for entry in value or ())


def number(value: Any, name: str) -> int:
    """Read a whole number that is not negative; 0 when there is none.

    Raises:
        ConfigError: it is something else.
    """
    written = text(value)
    good = written.isascii() and written.isdecimal() and len(written) <= _LONGEST_NUMBER
    if written and not good:
        raise ConfigError(f"`{name}` must be a number")
    return int(written or 0)


def mapping(params: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Read a mapping; an empty one when there is none.

    Raises:
        ConfigError: it is something else.
    """
    value = params.get(name) or {}
    if not isinstance(value, Mapping):
        raise ConfigError(f'`{name}` of the run must be a mapping: {{"NAME": "value"}}')
    return {str(key): entry for key, entry in value.items()}


def commit_id(params: Mapping[str, Any], name: str) -> str:
    """Read a full commit id; empty when there is none, or the zeros that a push of a new ref has.

    Raises:
        ConfigError: it is something else.
    """
    value = text(params.get(name))
    if value and not is_commit_id(value):
        raise ConfigError(f"`{name}` of the run must be a full commit ID of 40 hexadecimal digits")
    return "" if set(value) == {"0"} else value

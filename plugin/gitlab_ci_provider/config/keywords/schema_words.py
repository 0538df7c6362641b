"""What GitLab says of values that a JSON schema of its own refuses; paths are JSON pointers."""

from __future__ import annotations

from collections.abc import Iterable


def extra(path: str) -> str:
    """Say that a key is not known, or does not go with another one."""
    return f"object property at `{path}` is a disallowed additional property"


def lacking(path: str, names: Iterable[str]) -> str:
    """Say that keys are missing."""
    return f"object at `{path}` is missing required properties: {', '.join(names)}"


def not_of_kind(path: str, kind: str) -> str:
    """Say what a value should be, with its article: `a string`."""
    return f"value at {f'`{path}`' if path else 'root'} is not {kind}"


def of_wrong_length(path: str, length: int, most: int) -> str:
    """Say that a text is empty or too long."""
    if length:
        return f"string length at `{path}` is greater than: {most}"
    return f"string length at `{path}` is less than: 1"

"""Model values to JSON and back, deterministic: the same value gives the same bytes."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import msgspec

Value = TypeVar("Value")


def encode(value: object) -> bytes:
    """Write a model value as JSON with sorted keys."""
    return msgspec.json.encode(value, order="deterministic")


def decode(data: bytes | str, kind: type[Value]) -> Value:
    """Read a model value.

    Raises:
        msgspec.ValidationError: the JSON is not a `kind`.
    """
    return msgspec.json.decode(data, type=kind)


def digest(data: bytes) -> str:
    """Name bytes by their content: 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()

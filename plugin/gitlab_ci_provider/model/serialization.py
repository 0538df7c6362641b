"""Model values to JSON and back, deterministic: the same value gives the same bytes.

msgspec learns a type when it first reads one, and the process dies if two threads do that at the
same time (0.22.0, `SIGSEGV`). So types are learned here, one after another.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar

import msgspec

from gitlab_ci_provider.model.variables import Variable, Variables

Value = TypeVar("Value")

_learning = threading.Lock()
# A process that is forked meanwhile would wait for ever.
os.register_at_fork(
    before=_learning.acquire,
    after_in_parent=_learning.release,
    after_in_child=_learning.release,
)


def encode(value: object) -> bytes:
    """Write a model value as JSON with sorted keys."""
    return msgspec.json.encode(value, order="deterministic")


def decode(data: bytes | str, kind: type[Value]) -> Value:
    """Read a model value.

    Raises:
        msgspec.ValidationError: the JSON is not a `kind`.
    """
    # mypy does not know that types are hashable
    value: Value = decoder(kind).decode(data)  # type: ignore[arg-type]
    return value


@cache
def decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    """Return what reads a type. The first call for a type takes some milliseconds.

    Code that reads a type by other means calls this before, where several threads may read it.
    """
    with _learning:
        return msgspec.json.Decoder(kind, dec_hook=_own_type)


def convert(value: object, kind: type[Value]) -> Value:
    """Read a model value from JSON that is already decoded, such as an XCom.

    Raises:
        msgspec.ValidationError: it is not a `kind`.
    """
    decoder(kind)  # type: ignore[arg-type] # mypy does not know that types are hashable
    return msgspec.convert(value, kind, dec_hook=_own_type)


def digest(data: bytes) -> str:
    """Name bytes by their content: 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _own_type(kind: type, value: Any) -> Any:
    """Read the types that msgspec does not know: `Variables`, and `object` for any JSON."""
    if kind is Variables:
        return Variables(convert(value, tuple[Variable, ...]))
    return value

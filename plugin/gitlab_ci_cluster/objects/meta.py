"""Kubernetes objects as plain JSON values, and the few things done to all of them."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

Obj = dict[str, Any]
"""An object as the API shows it. Objects in the store are never changed in place."""

_SUFFIX_LENGTH = 5
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' own for generated names: no vowels, no words (apimachinery `rand.String`)."""


def now() -> dt.datetime:
    """Return the time in UTC."""
    return dt.datetime.now(dt.UTC)


def timestamp(moment: dt.datetime | None = None) -> str:
    """Write a time as `metav1.Time` does: whole seconds."""
    return (moment or now()).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp() -> str:
    """Write the time as `metav1.MicroTime` does."""
    return now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> dt.datetime:
    """Read an RFC 3339 time.

    Raises:
        ValueError: it is not valid.
    """
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return moment.astimezone(dt.UTC)


def new_uid() -> str:
    """Make a UID."""
    return str(uuid.uuid4())


def suffix() -> str:
    """Make the random part of a generated name."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_SUFFIX_LENGTH))


def new_object(kind: str, name: str) -> Obj:
    """Begin an object of the control plane's own."""
    metadata = {"name": name, "uid": new_uid(), "creationTimestamp": timestamp()}
    return {"kind": kind, "apiVersion": "v1", "metadata": metadata}


def with_metadata(obj: Obj, **values: object) -> Obj:
    """Copy an object with changed metadata; None removes a field."""
    metadata = {**obj["metadata"], **values}
    return {**obj, "metadata": {key: val for key, val in metadata.items() if val is not None}}


def key_of(obj: Mapping[str, Any]) -> tuple[str, str]:
    """Name an object within its kind: namespace (empty for none) and name."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def is_deleting(obj: Mapping[str, Any]) -> bool:
    """Return whether deletion has begun."""
    return "deletionTimestamp" in obj["metadata"]

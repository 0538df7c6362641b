"""Read the protobuf bodies that kubectl sends for a few kinds (`kubectl create secret`...).

Only what those commands write is known; the numbers are those of `generated.proto` of
k8s.io/api/core/v1 and k8s.io/apimachinery. Answers are JSON always.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.meta import Obj

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_STRING, _STRINGS, _BYTES_MAP, _BOOLEAN = "string", "map of strings", "map of bytes", "boolean"

_METADATA: dict[int, tuple[str, Any]] = {
    1: ("name", _STRING),
    2: ("generateName", _STRING),
    3: ("namespace", _STRING),
    11: ("labels", _STRINGS),
    12: ("annotations", _STRINGS),
}
_KINDS: dict[str, dict[int, tuple[str, Any]]] = {
    "Secret": {
        1: ("metadata", _METADATA),
        2: ("data", _BYTES_MAP),
        3: ("type", _STRING),
        4: ("stringData", _STRINGS),
        5: ("immutable", _BOOLEAN),
    },
    "ConfigMap": {
        1: ("metadata", _METADATA),
        2: ("data", _STRINGS),
        3: ("binaryData", _BYTES_MAP),
        4: ("immutable", _BOOLEAN),
    },
    "Namespace": {1: ("metadata", _METADATA)},
    "ServiceAccount": {1: ("metadata", _METADATA)},
}
_IGNORED: dict[str, set[int]] = {"Namespace": {2, 3}}
"""Spec and status of a namespace: the server's own."""


def decode(data: bytes) -> Obj:
    """Read an object.

    Raises:
        ApiError: 415, its kind is unknown here; 400, it cannot be decoded.
    """
    if not data.startswith(_MAGIC):
        raise ApiError(400, "provided data does not appear to be a protobuf message")
    try:
        unknown = dict(_fields(data[len(_MAGIC) :]))
        kind = dict(_fields(unknown[1]))[2].decode()
        if kind not in _KINDS:
            raise ApiError(415, f"{kind} is not supported in protobuf here; send JSON")
        message = unknown.get(2, b"")
        return {"kind": kind, "apiVersion": "v1", **_message(message, _KINDS[kind], kind)}
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise ApiError(400, f"the protobuf message is broken: {error}") from error


def _message(data: bytes, known: dict[int, tuple[str, Any]], kind: str) -> Obj:
    result: Obj = {}
    for number, value in _fields(data):
        if number not in known:
            if number not in _IGNORED.get(kind, set()) and value not in {b"", 0}:
                _check_ignorable(known, number)
            continue
        name, form = known[number]
        if isinstance(form, dict):
            result[name] = _message(value, form, kind)
        elif form is _STRING and value:
            result[name] = value.decode()
        elif form is _BOOLEAN:
            result[name] = bool(value)
        elif form in {_STRINGS, _BYTES_MAP}:
            result.setdefault(name, {}).update(_entry(value, form))
    return result


def _check_ignorable(known: dict[int, tuple[str, Any]], number: int) -> None:
    """Metadata that only the server writes may be dropped; nothing else is dropped silently."""
    if known is not _METADATA:
        raise ApiError(415, f"field {number} is not supported in protobuf here; send JSON")


def _entry(data: bytes, form: str) -> dict[str, str]:
    pair = dict(_fields(data))
    key, value = pair.get(1, b"").decode(), pair.get(2, b"")
    return {key: base64.b64encode(value).decode() if form is _BYTES_MAP else value.decode()}


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Split a message into field numbers and values (protobuf.dev, encoding)."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, position = _varint(data, position)
            yield number, value
        elif wire == 2:
            length, position = _varint(data, position)
            if position + length > len(data):
                raise ValueError("it is cut off")
            yield number, data[position : position + length]
            position += length
        else:
            raise ValueError(f"wire type {wire}")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position

"""The types of the API: its fields and the types of their values.

`types.json` holds by name of a type the JSON name and type of each field: a name of another type,
`[type]` for a list, `{"*": type}` for a map, or one of the words in `_WORDS`. It is made from the
official Python client by `tests/unit/cluster/objects/test_schema.py`, which also keeps it current.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.meta import Obj

_ROOTS = {
    "Pod": "V1Pod",
    "Secret": "V1Secret",
    "ConfigMap": "V1ConfigMap",
    "Namespace": "V1Namespace",
    "ServiceAccount": "V1ServiceAccount",
    "Event": "CoreV1Event",
}
_WORDS: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "string"),
    "integer": ((int,), "int64"),
    "boolean": ((bool,), "bool"),
    "number": ((int, float), "float64"),
    "bytes": ((str,), "[]uint8"),
    "quantity": ((str, int, float), "resource.Quantity"),
    "any": ((object,), ""),
}


@cache
def _types() -> dict[str, dict[str, Any]]:
    text = (Path(__file__).parent / "types.json").read_bytes()
    types: dict[str, dict[str, Any]] = msgspec.json.decode(text)
    return types


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value is: for Go's complaints (type and field) and for people (with indices)."""

    owner: str
    path: str = ""
    shown: str = ""

    def at(self, owner: str, key: str) -> _Place:
        """Go to a field of a type."""
        return _Place(owner, f"{self.path}.{key}".lstrip("."), f"{self.shown}.{key}".lstrip("."))

    def item(self, index: int) -> _Place:
        """Go to an item of a list."""
        return replace(self, shown=f"{self.shown}[{index}]")


class _Reader:
    """Reads one object and notes unknown fields."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.unknown: list[str] = []

    def fields(self, value: Obj, name: str, place: _Place) -> Obj:
        """Read the fields of an object of a named type."""
        fields, result = _types()[name], {}
        for key, field in value.items():
            below = place.at(name, key)
            if key not in fields:
                self.unknown.append(below.shown)
            elif field is not None:
                result[key] = self._read(field, fields[key], below)
        return result

    def _read(self, value: Any, of: Any, place: _Place) -> Any:
        if isinstance(of, list):
            self._require(value, list, of, place)
            return [self._read(item, of[0], place.item(i)) for i, item in enumerate(value)]
        if isinstance(of, str) and of in _WORDS:
            self._check_word(value, of, place)
            return value
        self._require(value, dict, of, place)
        if isinstance(of, dict):
            return {
                key: self._read(item, of["*"], place)
                for key, item in value.items()
                if item is not None
            }
        return self.fields(value, of, place)

    def _check_word(self, value: object, of: str, place: _Place) -> None:
        types = _WORDS[of][0]
        if isinstance(value, bool) and of in {"integer", "number", "quantity"}:
            types = ()
        self._require(value, types, of, place)
        if of == "bytes":
            try:
                base64.b64decode(str(value), validate=True)
            except (binascii.Error, ValueError) as error:
                why = "illegal base64 data at input byte 0"
                raise errors.undecodable(self._kind, why) from error

    def _require(
        self, value: object, types: type | tuple[type, ...], of: object, place: _Place
    ) -> None:
        if not isinstance(value, types):
            field = f"{_go_name(place.owner)}.{place.path}"
            why = f"cannot unmarshal {_json_name(value)} into Go struct field {field} of type"
            raise errors.undecodable(self._kind, f"json: {why} {_go_type(of)}")


def read_object(obj: Obj, kind: str) -> tuple[Obj, list[str]]:
    """Read the known fields of an object, without nulls; return the unknown ones, too.

    Raises:
        ApiError: 400, a value is of the wrong type.
    """
    root = _ROOTS.get(kind)
    if root is None:
        return obj, []
    reader = _Reader(kind)
    return reader.fields(obj, root, _Place(root)), reader.unknown


def _go_name(owner: str) -> str:
    return owner.removeprefix("Core").removeprefix("V1")


def _go_type(of: Any) -> str:
    if isinstance(of, list):
        return f"[]{_go_type(of[0])}"
    if isinstance(of, dict):
        return f"map[string]{_go_type(of['*'])}"
    return _WORDS[of][1] if of in _WORDS else f"v1.{_go_name(of)}"


def _json_name(value: object) -> str:
    names = {bool: "bool", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")

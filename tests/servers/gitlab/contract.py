"""Checks requests and answers against GitLab's own description of its API, where that is at hand.

The description is `doc/api/openapi/openapi_v2.yaml` of GitLab's repository. It has 2 MB and another
licence (CC BY-SA 4.0), so it is not part of this repository. It is generated from GitLab's code:
it says `string` for every type that nobody has written down, and leaves out what is `_UNDESCRIBED`:
parameters that GitLab's documentation has (`topic` for groups), fields of answers to those who are
signed in, and signing tokens of webhooks, which are newer than most copies of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from servers.gitlab.call import Answer, Call, Route

VARIABLE = "GITLAB_CI_TESTS_OPENAPI"
_UNDESCRIBED = {
    *("pagination", "cursor", "page", "per_page", "order_by", "sort", "page_token", "topic")
}
_UNDESCRIBED_FIELDS = {
    *("archived", "builds_access_level", "ci_config_path", "permissions", "_links"),
    *("is_admin", "bot", "signing_token", "signing_token_present"),
}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


@dataclass
class Contract:
    """The description, and what has contradicted it."""

    path: Path
    violations: list[str] = field(default_factory=list)

    @classmethod
    def find(cls) -> Contract | None:
        """Find the description; None when this machine does not have it."""
        path = os.environ.get(VARIABLE)
        return cls(Path(path)) if path else None

    def check(self, route: Route, call: Call, answer: Answer) -> None:
        """Note what is wrong with a request and its answer."""
        operation = self._operation(route)
        if operation is None:
            return
        name = f"{route.method} {route.pattern}"
        self.violations += [f"{name}: {words}" for words in self._request(operation, call)]
        described = operation["responses"].get(str(answer.status)) or {}
        if "schema" in described:
            found = self._wrong(answer.body, described["schema"], "answer")
            self.violations += [f"{name}: {words}" for words in found]

    @property
    def _document(self) -> Mapping[str, Any]:
        return _read(self.path)

    @cached_property
    def _paths(self) -> Mapping[str, Mapping[str, Any]]:
        return {_shape(path): item for path, item in self._document["paths"].items()}

    def _operation(self, route: Route) -> Mapping[str, Any] | None:
        item = self._paths.get(_shape(f"/api/v4{route.pattern}"), {})
        return item.get(route.method.lower())

    def _request(self, operation: Mapping[str, Any], call: Call) -> Iterator[str]:
        parameters = operation.get("parameters", ())
        known = {one["name"].partition("[")[0] for one in parameters if one["in"] == "query"}
        asked = {name.partition("[")[0] for name in call.query}
        for name in sorted(asked - known - _UNDESCRIBED):
            yield f"unknown query parameter {name}"
        for one in parameters:
            if one["in"] == "body" and "schema" in one:
                yield from self._wrong(call.body, one["schema"], "body")

    def _wrong(self, value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
        schema = self._resolved(schema)
        if value is None:
            return
        if isinstance(value, list):
            # Lists are often described by the schema of their items alone.
            bare = {} if schema.get("type") in ("array", "string") else schema
            inner = schema.get("items", bare)
            for item in value:
                yield from self._wrong(item, inner, f"{at}[]")
        elif isinstance(value, dict) and "properties" in schema:
            properties = schema["properties"]
            for name, inside in value.items():
                if name in properties:
                    yield from self._wrong(inside, properties[name], f"{at}.{name}")
                elif name not in _UNDESCRIBED_FIELDS:
                    yield f"{at}.{name} is not described"
        else:
            yield from _wrong_type(value, schema, at)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = schema.get("$ref")
        if reference is None:
            return schema
        return dict(self._document["definitions"][reference.rpartition("/")[2]])


@cache
def _read(path: Path) -> Mapping[str, Any]:
    return dict(yaml.load(path.read_text("utf-8"), yaml.CSafeLoader))


def _wrong_type(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    wanted = _TYPES.get(str(schema.get("type")))
    if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and wanted is int)):
        yield f"{at} is {type(value).__name__}, not {schema['type']}"
    allowed = schema.get("enum")
    if allowed and value not in allowed:
        yield f"{at} is {value!r}, not one of {allowed}"


def _shape(path: str) -> str:
    """Name a path without the names of its parameters."""
    return "/".join("*" if part[:1] in (":", "{") else part for part in path.split("/"))

"""Checks requests and answers against GitLab's own description of its API.

`contract.json` has the facts of that description about the routes of the stand-in; `extract.py`
writes it and says from where. The description is generated from GitLab's code: it says `string` for
every type that nobody has written down, and leaves out what is `_UNDESCRIBED`: routes and
parameters that GitLab's documentation has, fields of answers to those who are signed in, and
signing tokens of webhooks, which are newer than most copies of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from servers.gitlab.call import Answer, Call, Route

FILE = Path(__file__).with_name("contract.json")
UNDESCRIBED_ROUTES = {
    *("GET /user", "GET /oauth/token/info"),
    *("GET /templates/gitlab_ci_ymls", "GET /templates/gitlab_ci_ymls/*"),
    *("GET /projects/*/merge_requests/*/notes", "POST /projects/*/merge_requests/*/notes"),
    *("PUT /projects/*/merge_requests/*/notes/*", "GET /groups/*/hooks", "POST /groups/*/hooks"),
    *("GET /groups/*/hooks/*", "PUT /groups/*/hooks/*", "DELETE /groups/*/hooks/*"),
}
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
    """What has contradicted the description."""

    violations: list[str] = field(default_factory=list)

    def check(self, route: Route, call: Call, answer: Answer) -> None:
        """Note what is wrong with a request and its answer."""
        name = name_of(route.method, route.pattern)
        described = facts()["routes"].get(name)
        if described is None:
            return
        found = [*_asked(described, call)]
        if answer.status < 300:
            found += _required(described, call)
        schema = described["answers"].get(str(answer.status))
        if schema is not None:
            found += _wrong(answer.body, schema, "answer")
        self.violations += [f"{name}: {words}" for words in found]


def name_of(method: str, path: str) -> str:
    """Name a route without the names of its parameters: `GET /projects/*`."""
    parts = ["*" if part[:1] in (":", "{") else part for part in path.split("/")]
    return f"{method.upper()} {'/'.join(parts)}"


@cache
def facts() -> Mapping[str, Any]:
    """Read what is known of GitLab's API."""
    return dict(json.loads(FILE.read_text("utf-8")))


def _asked(described: Mapping[str, Any], call: Call) -> Iterator[str]:
    known = {name.partition("[")[0]: schema for name, schema in described["query"].items()}
    for name, value in call.query.items():
        schema = known.get(name.partition("[")[0])
        if schema is not None and value not in map(str, schema.get("enum", (value,))):
            yield f"query parameter {name} is {value!r}, not one of {schema['enum']}"
        elif schema is None and name.partition("[")[0] not in _UNDESCRIBED:
            yield f"unknown query parameter {name}"
    yield from _wrong(call.body, described["body"], "body")


def _required(described: Mapping[str, Any], call: Call) -> Iterator[str]:
    """Find what the real one would have refused, since it is not there."""
    body = _resolved(described["body"]).get("required", ())
    query = {name.partition("[")[0] for name in call.query}
    needed = {"query parameter": (described["required"], query), "field": (body, call.body)}
    for what, (names, given) in needed.items():
        yield from (f"{what} {name} is missing" for name in names if name not in given)


def _wrong(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    schema = _resolved(schema)
    if value is None:
        return
    if isinstance(value, list):
        # Lists are often described by the schema of their items alone.
        bare = {} if schema.get("type") == "array" else schema
        for item in value:
            yield from _wrong(item, schema.get("items", bare), f"{at}[]")
    elif isinstance(value, dict) and "properties" in schema:
        properties = schema["properties"]
        for name, inside in value.items():
            if name in properties:
                yield from _wrong(inside, properties[name], f"{at}.{name}")
            elif name not in _UNDESCRIBED_FIELDS:
                yield f"{at}.{name} is not described"
    else:
        yield from _wrong_type(value, schema, at)


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    return schema if reference is None else facts()["entities"][reference]


def _wrong_type(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    wanted = _TYPES.get(str(schema.get("type")))
    if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and wanted is int)):
        yield f"{at} is {type(value).__name__}, not {schema['type']}"
    allowed = schema.get("enum")
    if allowed and value not in allowed:
        yield f"{at} is {value!r}, not one of {allowed}"

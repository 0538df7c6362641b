"""Facts of Docker's own description of its API, against which requests of the cluster are held.

    python -m engines.docker_api v1.40.yaml v1.44.yaml ...   (in tests/)

writes them again, from moby/moby on GitHub, `api/docs` (Apache License 2.0). Docker itself
cannot be had where the tests run.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

FACTS = Path(__file__).with_suffix(".json")

CALLS = (
    *("GET /_ping", "GET /version"),
    *("POST /images/create", "GET /images/{name}/json", "POST /images/{name}/tag"),
    *("DELETE /images/{name}", "GET /containers/json", "POST /containers/create"),
    *("GET /containers/{id}/json", "DELETE /containers/{id}", "POST /containers/{id}/start"),
    *("POST /containers/{id}/kill", "POST /containers/{id}/resize"),
    *("POST /containers/{id}/attach", "POST /containers/{id}/exec"),
    *("POST /exec/{id}/start", "POST /exec/{id}/resize", "GET /exec/{id}/json"),
)
"""All that the cluster may ask for."""

READ = {
    "GET /version": ("Components.Name", "MinAPIVersion"),
    "GET /images/{name}/json": ("Id", "Size", "Config.User"),
    "GET /containers/json": ("Id",),
    "POST /containers/create": ("Id",),
    "GET /containers/{id}/json": (
        *("State.Status", "State.Running", "State.Pid", "State.ExitCode", "State.OOMKilled"),
    ),
    "POST /containers/{id}/exec": ("Id",),
    "GET /exec/{id}/json": ("Running", "Pid", "ExitCode"),
}
"""What the cluster reads of answers; an item of a list counts as what it is in."""

IGNORED = {("DELETE /containers/{id}", "timeout")}
"""Parameters for Podman, which Docker ignores."""

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "array": list,
    "object": dict,
}
_VERSION = re.compile(r"/v(\d+\.\d+)(/.*)")

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """A request of the cluster."""

    method: str
    target: str
    body: bytes

    @property
    def version(self) -> str:
        """Of the API; empty without."""
        found = _VERSION.fullmatch(self.target)
        return found[1] if found else ""


def read_requests(sent: bytes) -> Iterator[Request]:
    """Read what a client has sent over one connection, up to one that makes it a stream."""
    while sent:
        head, _, rest = sent.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        size = int(headers.get("content-length", "0"))
        method, target, _ = first.split(" ")
        yield Request(method, target, rest[:size])
        sent = b"" if "upgrade" in headers else rest[size:]


def facts() -> Mapping[str, Mapping[str, Any]]:
    """Read the facts: by version, what each call takes and gives."""
    found: dict[str, Any] = json.loads(FACTS.read_text())
    return found


def problems(request: Request, calls: Mapping[str, Any]) -> Iterator[str]:
    """Say what in a request is not in the description of a version."""
    parts = urlsplit(request.target)
    path = parts.path.removeprefix(f"/v{request.version}") if request.version else parts.path
    known = [name for name in calls if _is_call(name, request.method, path)]
    if not known:
        yield f"{request.method} {path} is no call"
        return
    name = known[0]
    for parameter, _ in parse_qsl(parts.query):
        if parameter not in calls[name]["query"] and (name, parameter) not in IGNORED:
            yield f"{name} takes no {parameter}"
    if request.body.startswith(b"{"):
        yield from _unknown(json.loads(request.body), calls[name]["body"], name)


def _is_call(name: str, method: str, path: str) -> bool:
    wanted, _, pattern = name.partition(" ")
    expression = re.sub(r"\\\{\w+\\\}", "(?!create$).+", re.escape(pattern))
    return wanted == method and re.fullmatch(expression, path) is not None


def _unknown(value: object, schema: object, where: str) -> Iterator[str]:
    """Compare a value with what a schema allows."""
    if isinstance(schema, list):
        for item in value if isinstance(value, list) else ():
            yield from _unknown(item, schema[0], f"{where}[]")
        schema = "array"
    if isinstance(schema, dict):
        for key, inner in value.items() if isinstance(value, dict) else ():
            if key in schema:
                yield from _unknown(inner, schema[key], f"{where}.{key}")
            else:
                yield f"{where} has no {key}"
        schema = "object"
    if not isinstance(value, _TYPES.get(str(schema), object)):
        yield f"{where} is no {schema}"


def extract(description: Mapping[str, Any]) -> dict[str, Any]:
    """Take the facts out of a description."""
    return {name: _call(description, *name.split(" ")) for name in CALLS}


def _call(description: Mapping[str, Any], method: str, path: str) -> dict[str, Any]:
    call = description["paths"][path][method.lower()]
    parameters = call.get("parameters", [])
    bodies = [one["schema"] for one in parameters if one["in"] == "body"]
    answers = [one["schema"] for one in call["responses"].values() if "schema" in one]
    read = READ.get(f"{method} {path}")
    answer = _plain(description, answers[0]) if read else {}
    return {
        "query": [one["name"] for one in parameters if one["in"] == "query"],
        "body": _plain(description, bodies[0]) if bodies else {},
        "answer": sorted(field for field in read or () if _has(answer, field.split("."))),
    }


def _has(schema: object, names: list[str]) -> bool:
    if isinstance(schema, list):
        return _has(schema[0], names)
    if not names:
        return True
    return isinstance(schema, dict) and names[0] in schema and _has(schema[names[0]], names[1:])


def _plain(description: Mapping[str, Any], schema: Schema) -> Any:
    """Write a schema as a dictionary of its properties, a list of one item, or a type's name."""
    if "$ref" in schema:
        return _plain(description, description["definitions"][schema["$ref"].rpartition("/")[2]])
    parts = [_plain(description, part) for part in schema.get("allOf", ())]
    properties = {
        name: _plain(description, inner) for name, inner in schema.get("properties", {}).items()
    }
    for part in parts:
        properties = {**(part if isinstance(part, dict) else {}), **properties}
    if properties:
        return properties
    if schema.get("type") == "array":
        return [_plain(description, schema.get("items", {}))]
    return schema.get("type", "")


def main(*paths: str) -> None:
    """Write the facts of some versions."""
    made = {}
    for path in map(Path, paths):
        made[path.stem.removeprefix("v")] = extract(yaml.safe_load(path.read_text()))
    FACTS.write_text(json.dumps(made, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

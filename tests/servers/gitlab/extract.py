"""Writes `contract.json`: what GitLab's description of its API says of the routes of the stand-in.

    PYTHONPATH=tests .venv/bin/python -m servers.gitlab.extract openapi_v2.yaml

The description is `doc/api/openapi/openapi_v2.yaml` of GitLab's repository, which has 2 MB. Only
facts are taken: names, types, what is required, and which values are allowed; no sentence of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from servers.gitlab import server  # noqa: F401 - it registers the routes
from servers.gitlab.call import ROUTES
from servers.gitlab.contract import FILE, name_of

_URL = "https://gitlab.com/gitlab-org/gitlab/-/blob/master/doc/api/openapi/openapi_v2.yaml"
_FACTS = ("type", "enum", "items", "properties", "required", "$ref")
_UNSAID = ("string", "object")
"""GitLab's generator writes `string` where nobody has written a type; objects have properties."""


@dataclass
class Extract:
    """The facts of a description; `used` are the names of entities that were met."""

    described: Mapping[str, Any]
    used: set[str] = field(default_factory=set)

    def routes(self) -> dict[str, Any]:
        """Take what the stand-in has."""
        operations = {
            name_of(method, path.removeprefix("/api/v4")): operation
            for path, item in self.described["paths"].items()
            for method, operation in item.items()
        }
        wanted = sorted({name_of(route.method, route.pattern) for route in ROUTES})
        return {name: self._route(operations[name]) for name in wanted if name in operations}

    def entities(self) -> dict[str, Any]:
        """Take what the routes name, and what that names."""
        found: dict[str, Any] = {}
        while missing := sorted(self.used - found.keys()):
            found |= {name: self._facts(self.described["definitions"][name]) for name in missing}
        return dict(sorted(found.items()))

    def _route(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        parameters = operation.get("parameters", ())
        query = [one for one in parameters if one["in"] == "query"]
        bodies = [one["schema"] for one in parameters if one["in"] == "body"]
        return {
            "query": {one["name"]: self._facts({**one, "required": ()}) for one in query},
            "required": [one["name"] for one in query if one.get("required")],
            "body": self._facts(bodies[0]) if bodies else {},
            "answers": {
                status: self._facts(answer["schema"])
                for status, answer in operation["responses"].items()
                if "schema" in answer
            },
        }

    def _facts(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: schema[name] for name in _FACTS if schema.get(name)}
        if kept.get("type") in _UNSAID:
            del kept["type"]
        if "$ref" in kept:
            kept["$ref"] = kept["$ref"].rpartition("/")[2]
            self.used.add(kept["$ref"])
        if "items" in kept:
            kept["items"] = self._facts(kept["items"])
        if "properties" in kept:
            kept["properties"] = {
                name: self._facts(inner) for name, inner in kept["properties"].items()
            }
        return kept


def main(description: Path) -> None:
    """Write the file, with a line for each route and entity."""
    data = description.read_bytes()
    extract = Extract(yaml.load(data, yaml.CSafeLoader))
    versions = re.findall(rb"GitLab (\d+)\.(\d+)", data)
    newest = max((int(major), int(minor)) for major, minor in versions)
    source = {
        "url": _URL,
        "sha256": hashlib.sha256(data).hexdigest(),
        "newest GitLab that it names": "{}.{}".format(*newest),
        "written by": "tests/servers/gitlab/extract.py",
    }
    parts = {"source": source, "routes": extract.routes(), "entities": extract.entities()}
    lined = {
        name: _lines({key: json.dumps(of) for key, of in parts[name].items()}) for name in parts
    }
    FILE.write_text(_lines(lined) + "\n")


def _lines(values: Mapping[str, str]) -> str:
    """Write a mapping of what is JSON already, a line for each."""
    lines = ",\n".join(f"{json.dumps(name)}: {value}" for name, value in values.items())
    return f"{{\n{lines}\n}}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))

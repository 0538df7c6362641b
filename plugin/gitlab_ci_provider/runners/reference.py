"""What is published about the file of runners: its JSON Schema and its reference page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Form, Manifest
from gitlab_ci_provider.pods.resources import QUANTITY
from gitlab_ci_provider.runners.forms import DOMAIN
from gitlab_ci_provider.runners.reader import MOST

Schema = dict[str, Any]

_PLAIN = {str: "string", int: "integer", bool: "boolean"}
_WORDS = {"string": "text", "integer": "number", "boolean": "`true` or `false`"}
_SEVERAL = {"string": "texts", "boolean": "`true` or `false`"}


def schema() -> Schema:
    """Make the JSON Schema of the file."""
    runner = {**_mapping(RunnerProfile), "required": ["name"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Runners of airflow-provider-gitlab-ci",
        "type": "object",
        "properties": {"runners": {"type": "array", "minItems": 1, "items": runner}},
        "patternProperties": {"^\\.": {"description": "For YAML anchors."}},
        "required": ["runners"],
        "additionalProperties": False,
    }


def table() -> str:
    """Make the tables of the reference page, one for each group of options."""
    return "\n".join(_section("A runner", RunnerProfile, "")).rstrip() + "\n"


def _mapping(kind: type) -> Schema:
    types = get_type_hints(kind)
    properties = {one.name: _option(one, types[one.name]) for one in fields(kind)}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _option(one: Field[Any], kind: Any) -> Schema:
    return {**_value(one, kind), "description": one.metadata["description"]}


def _value(one: Field[Any], kind: Any) -> Schema:
    if isinstance(kind, UnionType):
        kind = next(part for part in get_args(kind) if part is not NoneType)
    if kind == Manifest or kind is object:
        return {"type": "object"} if kind == Manifest else {"type": ["object", "array"]}
    if is_dataclass(kind) and isinstance(kind, type):
        return _mapping(kind)
    if get_origin(kind) is tuple:
        item = _value(one, get_args(kind)[0])
        return {"oneOf": [{"type": "array", "items": item}, item]}
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    if kind in _PLAIN:
        return _plain(_PLAIN[kind], one.metadata["form"])
    return {"type": "object", "additionalProperties": {"type": _PLAIN[get_args(kind)[1]]}}


def _plain(kind: str, form: Form) -> Schema:
    """Say what an editor can check: a pattern concerns texts only, a bound numbers only."""
    if form == "quantity":
        pattern = f"^({QUANTITY.pattern})?$"
        return {"type": [kind, "number"], "pattern": pattern, "minimum": 0}
    if form == "name":
        return {"type": kind, "pattern": f"^({DOMAIN.pattern})?$"}
    return {"type": kind, "minimum": 0, "maximum": MOST} if kind == "integer" else {"type": kind}


def _section(title: str, kind: type, above: str) -> Iterator[str]:
    """Write a table of options, and then those of the groups in it."""
    types = get_type_hints(kind)
    yield from (f"## {title}", "", "| Option | Value | Default | Meaning |", "|---|---|---|---|")
    groups: dict[str, type] = {}
    for one in fields(kind):
        name = f"{above}{one.name}"
        if group := _group(types[one.name]):
            groups[name] = group
        meaning = one.metadata["description"].replace("|", "\\|")
        yield f"| `{one.name}` | {_kind(one, types[one.name])} | {_default(one)} | {meaning} |"
    yield ""
    shown: set[type] = set()
    for name, group in groups.items():
        if group not in shown:
            shown.add(group)
            alike = ", ".join(f"`{other}`" for other, it in groups.items() if it is group)
            yield from _section(alike, group, f"{name}." if len(groups) > 1 else above)


def _group(kind: Any) -> type | None:
    """Return the dataclass that an option, or each of its items, is read into."""
    item = get_args(kind)[0] if get_origin(kind) is tuple else kind
    return item if is_dataclass(item) and isinstance(item, type) else None


def _kind(one: Field[Any], kind: Any) -> str:
    value = _value(one, kind)
    several = "oneOf" in value
    value = value["oneOf"][1] if several else value
    if kubernetes := one.metadata["kubernetes"]:
        words = f"Kubernetes' {kubernetes.removeprefix('V1')}"
    elif _group(kind):
        words = "see below"
    elif "enum" in value:
        words = ", ".join(f"`{choice}`" for choice in value["enum"] if choice)
    elif isinstance(value["type"], list):
        words = "quantity" if one.metadata["form"] else "mapping or list"
    elif value["type"] == "object":
        words = f"mapping of {_SEVERAL[value['additionalProperties']['type']]}"
    else:
        words = _WORDS[value["type"]]
    return f"list: {words}" if several else words


def _default(one: Field[Any]) -> str:
    default = one.default if one.default is not MISSING else None
    if default in (None, "", ()) or is_dataclass(default):
        return _amounts(default)
    return f"`{str(default).lower()}`"


def _amounts(default: object) -> str:
    """Show the amounts that are requested without being asked for."""
    requests = getattr(default, "requests", None)
    given: Mapping[str, str] = (
        {one.name: getattr(requests, one.name) for one in fields(requests)} if requests else {}
    )
    return ", ".join(f"`{name}: {amount}`" for name, amount in given.items() if amount)

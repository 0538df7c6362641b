"""Label and field selectors: text to a predicate, with the API server's messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from gitlab_ci_cluster.objects.errors import ApiError

Predicate = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(r"\s*(==|=|!=|!|,|\(|\)|<|>|[^\s=!,()<>]+)")
_LABEL_VALUE_BYTES = 63

_ANY_FIELDS = ("metadata.name", "metadata.namespace")
_FIELDS = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    "events": (
        *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion")),
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "secrets": ("type",),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
}


def parse_labels(text: str) -> Predicate:
    """Read a label selector, for example `a=b,c in (d,e),!f`.

    Raises:
        ApiError: 400, it cannot be read.
    """
    tokens = [match.group(1) for match in _TOKEN.finditer(text)]
    requirements = []
    position = 0
    while position < len(tokens):
        requirement, position = _requirement(tokens, position)
        requirements.append(requirement)
        if position < len(tokens):
            if tokens[position] != ",":
                raise ApiError(400, f"found '{tokens[position]}', expected: ',' or 'end of string'")
            position += 1
    return lambda obj: all(
        requirement(obj["metadata"].get("labels") or {}) for requirement in requirements
    )


def _requirement(tokens: list[str], position: int) -> tuple[Predicate, int]:
    key = tokens[position]
    if key == "!":
        absent = tokens[position + 1] if position + 1 < len(tokens) else ""
        return lambda labels: absent not in labels, position + 2
    if not re.match(r"[A-Za-z0-9]", key):
        raise ApiError(400, f"found '{key}', expected: !, identifier, or 'end of string'")
    operator = tokens[position + 1] if position + 1 < len(tokens) else ","
    if operator in {"in", "notin"}:
        values, end = _value_set(tokens, position + 2)
        return _set_requirement(key, operator, values), end
    if operator in {"=", "==", "!=", "<", ">"}:
        value, end = _value(tokens, position + 2)
        _check_value(key, value)
        return _comparison(key, operator, value), end
    return lambda labels: key in labels, position + 1


def _value(tokens: list[str], position: int) -> tuple[str, int]:
    if position >= len(tokens) or tokens[position] == ",":
        return "", position
    return tokens[position], position + 1


def _value_set(tokens: list[str], position: int) -> tuple[set[str], int]:
    found = tokens[position] if position < len(tokens) else ""
    if found != "(":
        raise ApiError(400, f"unable to parse requirement: found '{found}' expected: '('")
    if ")" not in tokens[position:]:
        raise ApiError(400, "unable to parse requirement: found '', expected: ',' or ')'")
    end = tokens.index(")", position)
    return {word for word in tokens[position + 1 : end] if word != ","}, end + 1


def _check_value(key: str, value: str) -> None:
    if len(value.encode()) > _LABEL_VALUE_BYTES:
        problem = f'Invalid value: "{value}": must be no more than {_LABEL_VALUE_BYTES} bytes'
        raise ApiError(400, f"unable to parse requirement: values[0][{key}]: {problem}")


def _set_requirement(key: str, operator: str, values: set[str]) -> Predicate:
    if operator == "in":
        return lambda labels: labels.get(key) in values
    return lambda labels: labels.get(key) not in values


def _comparison(key: str, operator: str, value: str) -> Predicate:
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    if operator == ">":
        return lambda labels: _number(labels.get(key)) > _number(value)
    if operator == "<":
        return lambda labels: key in labels and _number(labels.get(key)) < _number(value)
    return lambda labels: labels.get(key) == value


def _number(value: str | None) -> float:
    try:
        return int(value or "")
    except ValueError:
        return float("-inf")


def parse_fields(text: str, plural: str) -> Predicate:
    """Read a field selector, for example `metadata.name=a,status.phase!=Running`.

    Raises:
        ApiError: 400, it cannot be read or names a field that cannot be selected by.
    """
    tests = [_field_test(part, text, plural) for part in text.split(",") if part]
    return lambda obj: all(test(obj) for test in tests)


def _field_test(part: str, text: str, plural: str) -> Predicate:
    match = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", part)
    if match is None:
        raise ApiError(400, f"invalid selector: '{text}'; can't understand '{part}'")
    field, operator, value = match.groups()
    if field not in (*_ANY_FIELDS, *_FIELDS.get(plural, ())):
        raise ApiError(400, f"field label not supported: {field}")
    if operator == "!=":
        return lambda obj: field_value(obj, field) != value
    return lambda obj: field_value(obj, field) == value


def field_value(obj: Mapping[str, Any], field: str) -> str:
    """Read a selectable field as the API server compares it."""
    if field == "source":
        return str(obj.get("source", {}).get("component") or obj.get("reportingComponent", ""))
    if field == "spec.hostNetwork":
        return str(bool(obj["spec"].get("hostNetwork"))).lower()
    value: Any = obj
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)

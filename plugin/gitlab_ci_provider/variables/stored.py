"""CI/CD variables as they are kept outside of a repository: JSON in the shape of GitLab's API.

A list of objects as `GET /projects/:id/variables` answers, or an object of names and values::

    [{"key": "TOKEN", "value": "...", "masked": true, "environment_scope": "prod"}]
    {"REGION": "eu-1"}

Errors name the place and the key, never a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.variables import WITHHELD, ConfiguredVariables, Variable

SHORTEST_MASKED = 8
"""Characters; GitLab accepts no shorter value for a masked variable."""

_KEY = re.compile(r"[a-zA-Z0-9_]{1,255}", re.ASCII)
_FLAGS = ("protected", "masked", "hidden", "raw", "masked_and_hidden")
_TEXTS = ("environment_scope", "variable_type", "description")
_TYPES = ("env_var", "file")
_KNOWN = frozenset({"key", "value", *_FLAGS, *_TEXTS})


def parse_stored(text: str, place: str) -> tuple[Variable, ...]:
    """Read the variables of one level, in their order.

    Args:
        text: the JSON.
        place: where it is kept, for messages.

    Raises:
        SettingsError: it is not in the form of GitLab's API.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        at = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SettingsError(f"{place}: not valid JSON{at}") from None
    variables = tuple(_variable(entry, place) for entry in _entries(data, place))
    seen: set[tuple[str, str]] = set()
    for variable in variables:
        if (variable.name, variable.environment_scope) in seen:
            raise _wrong(place, variable.name, "is defined twice for the same environment scope")
        seen.add((variable.name, variable.environment_scope))
    return variables


def parse_answer(answer: Any, place: str) -> tuple[Variable, ...]:
    """Read the variables of one level as GitLab's API has answered, in their order.

    Keys that a newer GitLab may have added are left out. The API does not give the values of hidden
    variables: they are `WITHHELD`. A change while pages are read can show a variable twice.

    Raises:
        SettingsError: it is not in the form of GitLab's API.
    """
    found = (_answered(entry, place) for entry in _entries(answer, place))
    return tuple({(known.name, known.environment_scope): known for known in found}.values())


def _answered(entry: Mapping[str, Any], place: str) -> Variable:
    known = {key: value for key, value in entry.items() if key in _KNOWN}
    if known.get("hidden") and known.get("value") is None:
        known["value"] = WITHHELD
    return _variable(known, place)


def secret_values(configured: ConfiguredVariables) -> tuple[str, ...]:
    """List the values that must not be seen, wherever they apply."""
    return tuple(
        variable.value
        for layer in configured.layers
        for variable in layer
        if variable.masked and variable.value != WITHHELD
    )


def _entries(data: Any, place: str) -> Iterator[Mapping[str, Any]]:
    if isinstance(data, dict):
        data = [{"key": key, "value": value} for key, value in data.items()]
    if not isinstance(data, list):
        raise SettingsError(
            f"{place}: must be a list of variables, or an object of names and values"
        )
    for number, entry in enumerate(data, start=1):
        if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
            raise SettingsError(f"{place}: entry {number} must be an object with a `key`")
        yield entry


def _variable(entry: Mapping[str, Any], place: str) -> Variable:
    key, value = entry["key"], entry.get("value")
    for problem in _problems(entry):
        raise _wrong(place, key, problem)
    masked = any(entry.get(flag) for flag in ("masked", "hidden", "masked_and_hidden"))
    if masked and len(str(value)) < SHORTEST_MASKED:
        words = f"is masked, but its value is shorter than {SHORTEST_MASKED} characters"
        raise _wrong(place, key, words)
    return Variable(
        name=key,
        value=str(value),
        expand=not entry.get("raw"),
        masked=masked,
        hidden=bool(entry.get("hidden") or entry.get("masked_and_hidden")),
        file=entry.get("variable_type") == "file",
        protected=bool(entry.get("protected")),
        environment_scope=entry.get("environment_scope") or "*",
    )


def _problems(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with an entry."""
    if not _KEY.fullmatch(entry["key"]):
        yield "can contain only letters, digits and '_', at most 255"
    value = entry.get("value")
    if value is None:
        yield "has no value: GitLab's API does not return those of hidden variables"
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        yield "must have a string as its value"
    unknown = set(entry) - _KNOWN
    if unknown:
        yield f"has unknown keys: {', '.join(sorted(unknown))}"
    yield from (
        f"must have true or false for `{flag}`"
        for flag in _FLAGS
        if not isinstance(entry.get(flag, False), bool)
    )
    yield from (
        f"must have a string for `{name}`"
        for name in _TEXTS
        if not isinstance(entry.get(name) or "", str)
    )
    if (entry.get("variable_type") or "env_var") not in _TYPES:
        yield f"must have one of {', '.join(_TYPES)} for `variable_type`"


def _wrong(place: str, key: str, problem: str) -> SettingsError:
    return SettingsError(f"{place}: variable '{key[:80]}' {problem}")

"""From given values and a header's specifications to the values that are used, checked by type.

Source: GitLab's `Ci::Inputs`, whose words the messages use.
"""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gitlab_ci_provider.model.input_spec import InputRule, InputSpec
from gitlab_ci_provider.rules.expression.evaluator import is_true
from gitlab_ci_provider.rules.expression.regex import compile_re2

_NAMES = {
    "array": "an array",
    "boolean": "a boolean",
    "number": "a number",
    "string": "a string",
}


_AS_JSON = ("array", "boolean")


def resolve_inputs(
    specs: Mapping[str, InputSpec], given: Mapping[str, object]
) -> tuple[dict[str, object], list[str]]:
    """Return the values by name, and what is wrong with them."""
    values: dict[str, object] = {}
    problems: list[str] = []
    for name, written in specs.items():
        spec = _by_rules(written, ChainMap(values, {**given}) if written.rules else {})
        empty = given.get(name) == "" and written.rules
        own = None if empty else _coerced(spec.type, given.get(name))
        problems.extend(f"`{name}` input: {words}" for words in _problems(spec, own))
        value = spec.default if own is None else own
        values[name] = "" if value is None and spec.type == "string" else value
    unknown = [name for name in given if name not in specs]
    if unknown:
        problems.append(f"unknown input arguments: {', '.join(unknown)}")
    return values, problems


def numbers_of_texts(
    specs: Mapping[str, InputSpec], given: Mapping[str, object]
) -> Mapping[str, object]:
    """Read what people give: flags, forms and push options contain only texts.

    GitLab does so with the inputs of a pipeline, and refuses a quoted number of a file.
    """
    numbers = {name for name in given if name in specs and specs[name].type == "number"}
    return {name: _from_json(value) if name in numbers else value for name, value in given.items()}


def job_input_values(
    written: Mapping[str, Mapping[str, object]], given: Mapping[str, object]
) -> tuple[dict[str, object], list[str]]:
    """Return the values of a job's inputs by name, and what is wrong with the given ones."""
    specs = {name: _spec(name, spec) for name, spec in written.items()}
    return resolve_inputs(specs, numbers_of_texts(specs, given))


def _spec(name: str, written: Mapping[str, object]) -> InputSpec:
    options, regex = written.get("options"), written.get("regex")
    return InputSpec(
        name=name,
        type=str(written.get("type") or "string"),
        required="default" not in written,
        default=written.get("default"),
        options=tuple(options) if isinstance(options, Sequence) else None,
        regex=str(regex) if regex is not None else None,
    )


def _coerced(kind: str, value: object) -> object:
    """Read a text as the required type: forms and variables contain only texts."""
    return _from_json(value) if kind in _AS_JSON else value


def _from_json(value: object) -> object:
    """Read a text as JSON; leave alone what is none, though Python reads it: `NaN`."""
    try:
        return json.loads(value, parse_constant=_refuse) if isinstance(value, str) else value
    except (RecursionError, ValueError):
        return value


def _refuse(word: str) -> None:
    raise ValueError(word)


def _by_rules(spec: InputSpec, inputs: Mapping[str, object]) -> InputSpec:
    rule = _matching(spec.rules, inputs)
    if not spec.rules:
        return replace(spec, default=_coerced(spec.type, spec.default))
    return InputSpec(
        name=spec.name,
        type=spec.type,
        required=spec.required,
        default=_coerced(spec.type, rule.default if rule else spec.default),
        options=rule.options if rule else None,
        regex=spec.regex,
    )


def _matching(rules: Iterable[InputRule], inputs: Mapping[str, object]) -> InputRule | None:
    for rule in rules:
        if rule.condition is None or is_true(rule.condition, {}, inputs):
            return rule
    return None


def _problems(spec: InputSpec, value: object) -> list[str]:
    if spec.required and value is None:
        return ["required value has not been provided"]
    found = [] if spec.required else _check(spec, spec.default, "default")
    if value is not None:
        found += _check(spec, value, "provided")
    return list(dict.fromkeys(found))


def _check(spec: InputSpec, value: object, which: str) -> list[str]:
    if value is None:
        return []
    if not _is(spec.type, value):
        also = _check_options(spec, value) if spec.type == "number" else []
        return [f"{which} value is not {_NAMES.get(spec.type, spec.type)}", *also]
    return _check_options(spec, value) + _check_regex(spec, value, which)


def _is(kind: str, value: object) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, list if kind == "array" else str)


def _check_options(spec: InputSpec, value: object) -> list[str]:
    if spec.options is None:
        return []
    if isinstance(value, list):
        return _check_list(spec.options, value)
    if spec.type not in ("string", "number"):
        return ["Options can only be used with string and number inputs"]
    number = spec.type == "number"
    if value in (spec.options if number else [str(option) for option in spec.options]):
        return []
    which = "the allowed" if number else "allowed"
    return [f"`{value}` cannot be used because it is not in the list of {which} options"]


def _check_list(options: tuple[object, ...], values: list[object]) -> list[str]:
    others = [str(value) for value in values if value not in options]
    if not others:
        return []
    words = "cannot be used because it is not in the list of allowed options"
    return [f"{', '.join(others)} {words}"]


def _check_regex(spec: InputSpec, value: object, which: str) -> list[str]:
    if spec.regex is None:
        return []
    if spec.type != "string":
        return ["RegEx validation can only be used with string inputs"]
    regex = compile_re2(spec.regex)
    if regex is None:
        return ["invalid regular expression"]
    if regex.found_in(str(value)):
        return []
    return [f"{which} value does not match required RegEx pattern"]

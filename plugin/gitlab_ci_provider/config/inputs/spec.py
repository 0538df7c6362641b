"""The header `spec:` to input specifications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gitlab_ci_provider.config.inputs.tags import holds_reference
from gitlab_ci_provider.config.keywords.fields import (
    Field,
    exclusive,
    flat_items,
    is_integer,
    mapping,
    strings,
    text,
)
from gitlab_ci_provider.config.keywords.included import COMMON_KEYS, check_included
from gitlab_ci_provider.config.raw import Map, Node, Seq, to_data
from gitlab_ci_provider.model.input_spec import InputRule, InputSpec
from gitlab_ci_provider.rules.expression.parser import ExpressionError, parse

TYPES = ("array", "boolean", "number", "string")
JOB_INPUT_KEYS = ("default", "description", "options", "regex", "type")
INPUT_KEYS = (*JOB_INPUT_KEYS, "rules")
COMPONENT_KEYS = ("name", "sha", "version", "reference")
SPEC_KEYS = ("inputs", "component", "include", "description")
MAX_OPTIONS = 50
MAX_SPEC_DESCRIPTION = 256
MAX_DESCRIPTION = 1024


@dataclass(frozen=True, slots=True)
class Header:
    """`spec:`.

    Attributes:
        component: what of the component's identity the content may use.
        include: entries of `spec:include`, for the reader of files.
    """

    inputs: Mapping[str, InputSpec]
    component: tuple[str, ...] = ()
    include: Field | None = None


def read_header(header: Field) -> Header:
    """Read the header document."""
    header.only(("spec",))
    spec = header.entry("spec")
    if spec is None or not mapping(spec, SPEC_KEYS):
        return Header({})
    replace(spec, label=spec.subject).get("description", _spec_description)
    component = spec.read("component", _component) or ()
    include = spec.entry("include")
    if include:
        _check_include(include)
    return Header(read_inputs(spec), component, include)


def _check_include(field: Field) -> None:
    for item in flat_items(field, "include"):
        if isinstance(item.value, Map):
            item.only(COMMON_KEYS)
            check_included(item)


def read_inputs(owner: Field) -> dict[str, InputSpec]:
    """Read the key `inputs` of `spec:` or of a file of `spec:include`."""
    inputs = owner.entry("inputs")
    if inputs is None:
        return {}
    if not isinstance(inputs.value, Map):
        inputs.refuse("should be a hash")
        return {}
    specs = {name: read_input(inputs.entry(name), name) for name in inputs.value}
    return {name: spec for name, spec in specs.items() if spec}


def read_input(
    field: Field | None, name: str, keys: tuple[str, ...] = INPUT_KEYS
) -> InputSpec | None:
    """Read one input's specification; nothing written means a required text."""
    if field is None:
        return InputSpec(name)
    if not mapping(field, keys) or not isinstance(field.value, Map):
        return None
    for clashing in ("default", "options"):
        exclusive(field, "rules", clashing)
    rules = field.get("rules", _rules) or ()
    inner = replace(field, label=f"{field.label} input")
    options = inner.get("options", _options)
    if holds_reference(field.value.get("default")):
        words = f"`{name}` input: default value cannot contain a !reference tag"
        field.diagnostics.error("inputs-invalid", words, field.mark)
    fallback = any("default" in rule for rule in _rule_maps(field.value))
    return InputSpec(
        name=name,
        type=inner.get("type", _type) or "string",
        required="default" not in field.value and not fallback,
        default=to_data(field.value.get("default")),
        options=options,
        regex=inner.get("regex", text),
        description=inner.get("description", _description) or "",
        rules=rules,
    )


def _spec_description(field: Field) -> str | None:
    words = text(field)
    if words is not None and len(words) > MAX_SPEC_DESCRIPTION:
        field.refuse(f"is too long (maximum is {MAX_SPEC_DESCRIPTION} characters)")
    return words


def _description(field: Field) -> str | None:
    if not isinstance(field.value, str) and not is_integer(field.value):
        field.refuse("must be an alphanumeric string")
    elif len(str(field.value)) > MAX_DESCRIPTION:
        field.refuse(f"is too long (maximum is {MAX_DESCRIPTION} characters)")
    return str(field.value)


def _type(field: Field) -> str | None:
    if field.value in TYPES:
        return str(field.value)
    field.refuse(f"unknown value: {field.value}", hint=f"Use one of {', '.join(TYPES)}.")
    return None


def _options(field: Field) -> tuple[object, ...] | None:
    if not isinstance(field.value, Seq):
        field.refuse("should be an array")
        return None
    if len(field.value) > MAX_OPTIONS:
        _refuse_config(field, f"cannot define more than {MAX_OPTIONS} options")
    if None in field.value:
        _refuse_config(field, "options array cannot contain null values")
    return tuple(to_data(item) for item in field.value)


def _refuse_config(field: Field, problem: str) -> None:
    label = field.label.removesuffix(" input")
    config = label if label.endswith(":") else f"{label} config"
    field.diagnostics.error("keyword-invalid", f"{config} {problem}", field.mark)


def _rule_maps(value: Map) -> list[Map]:
    rules: Node = value.get("rules")
    return [rule for rule in rules if isinstance(rule, Map)] if isinstance(rules, Seq) else []


def _rules(field: Field) -> tuple[InputRule, ...] | None:
    if not isinstance(field.value, Seq):
        field.refuse("should be an array")
        return None
    found: list[InputRule] = []
    label = f"`{field.label.rpartition(':')[2]}` input:"
    for item in field.items():
        rule = replace(item, label=label, subject=label)
        if not mapping(rule, ("if", "options", "default")) or not isinstance(rule.value, Map):
            continue
        condition = rule.get("if", _condition)
        options = rule.get("options", _options)
        _check_rule(rule, rule.value)
        found.append(InputRule(condition, options, to_data(rule.value.get("default"))))
    return tuple(found)


def _check_rule(field: Field, rule: Map) -> None:
    options = rule.get("options")
    if not rule:
        field.refuse("can't be blank")
    elif "default" not in rule:
        field.refuse("rule must define 'options' with at least one value and a 'default'")
    elif isinstance(options, Seq) and options and rule["default"] not in options:
        shown = rule["default"]
        field.refuse(f"default '{'' if shown is None else shown}' must be one of the options")


def _condition(field: Field) -> str | None:
    condition = text(field)
    try:
        if condition is not None:
            parse(condition)
    except ExpressionError as error:
        field.refuse("invalid expression syntax", "rules-if-syntax", hint=str(error))
    return condition


def _component(field: Field) -> tuple[str, ...] | None:
    names = strings(field)
    unknown = [name for name in names or () if name not in COMPONENT_KEYS]
    if unknown:
        field.refuse(f"contains unknown values: {', '.join(unknown)}")
    return names

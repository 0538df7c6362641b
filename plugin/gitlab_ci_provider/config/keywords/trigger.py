"""`trigger:`: a project's name, or a mapping with `project` or `include`."""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.config.keywords.fields import (
    Field,
    boolean,
    data_mapping,
    flat_items,
    is_blank,
    mapping,
    text,
)
from gitlab_ci_provider.config.keywords.included import COMMON_KEYS, check_included
from gitlab_ci_provider.config.raw import Map, Seq
from gitlab_ci_provider.model.bridge import Bridge

PROJECT_KEYS = ("project", "branch", "strategy", "forward", "inputs")
CHILD_KEYS = ("strategy", "include", "forward")
INCLUDE_KEYS = (*COMMON_KEYS, "template", "artifact", "job", "component", "inputs")
STRATEGIES = ("depend", "mirror")
MAX_INCLUDES = 3


def read_trigger(field: Field) -> Bridge | None:
    """Read `trigger:`."""
    if isinstance(field.value, str):
        if is_blank(field.value):
            field.refuse("can't be blank")
        return Bridge(project=field.value)
    if not isinstance(field.value, Map):
        field.refuse_as("has to be either a string or a hash")
        return None
    if not field.value:
        field.refuse("can't be blank")
    child = "include" in field.value
    if not mapping(field, CHILD_KEYS if child else PROJECT_KEYS):
        return None
    if not child and is_blank(field.value.get("project")):
        field.refuse_as("project can't be blank")
    includes = field.entry("include")
    inputs = field.entry("inputs")
    return Bridge(
        project=field.get("project", text),
        branch=field.get("branch", text),
        includes=_includes(includes) if includes else (),
        strategy=field.get("strategy", _strategy),
        inputs=data_mapping(inputs, _keys(inputs)) if inputs else {},
        forward_yaml_variables=_forward(field, "yaml_variables") is not False,
        forward_pipeline_variables=_forward(field, "pipeline_variables") or False,
    )


def _strategy(field: Field) -> str | None:
    if field.value in STRATEGIES:
        return str(field.value)
    field.refuse("should be depend or mirror")
    return None


def _keys(field: Field) -> tuple[str, ...]:
    return tuple(field.value) if isinstance(field.value, Map) else ()


def _forward(field: Field, key: str) -> bool | None:
    forward = field.entry("forward")
    if forward is None:
        return None
    if key == "yaml_variables":
        mapping(forward, ("yaml_variables", "pipeline_variables"))
    return forward.get(key, boolean)


def _includes(field: Field) -> tuple[Mapping[str, object], ...]:
    if isinstance(field.value, str):
        return tuple(_include(field))
    if not isinstance(field.value, Seq):
        field.refuse("should be an array or a string")
        return ()
    if len(field.value) > MAX_INCLUDES:
        field.refuse(f"is too long (maximum is {MAX_INCLUDES})")
    return tuple(include for item in flat_items(field, "include") for include in _include(item))


def _include(field: Field) -> list[Mapping[str, object]]:
    if isinstance(field.value, str):
        return [{"local": field.value}]
    if not isinstance(field.value, Map):
        field.refuse("should be an array of hashes or strings")
        return []
    include = data_mapping(field, INCLUDE_KEYS)
    check_included(field)
    for key, needed in (("artifact", "job"), ("file", "project")):
        if include.get(key) and not include.get(needed):
            field.refuse(f"must specify the {needed} where to fetch the {key} from")
    return [include]

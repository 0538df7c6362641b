"""`environment:`: a name or a mapping."""

from __future__ import annotations

import re

from gitlab_ci_provider.config.keywords.durations import duration
from gitlab_ci_provider.config.keywords.fields import Field, mapping, text
from gitlab_ci_provider.config.keywords.plain import plain_mapping
from gitlab_ci_provider.model.environment import Environment

KEYS = (
    "name",
    "url",
    "action",
    "on_stop",
    "auto_stop_in",
    "kubernetes",
    "deployment_tier",
)
KUBERNETES_KEYS = ("namespace", "flux_resource_path", "agent", "managed_resources", "dashboard")
ACTIONS = ("start", "stop", "prepare", "verify", "access")
TIERS = ("production", "staging", "testing", "development", "other")
_NAME = re.compile(r"\A(?:[a-zA-Z0-9_/\\${}. -]+)\Z")
_WRONG_NAME = (
    "name can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, "
    "but it cannot start or end with '/'"
)
MAX_NAME = 255


def read_environment(field: Field) -> Environment | None:
    """Read `environment:`."""
    if isinstance(field.value, str):
        return Environment(name=field.value) if _is_name(field, field.value) else None
    if not mapping(field, KEYS, "should be a hash or a string"):
        return None
    name = field.get("name", text)
    if not name:
        field.refuse_as("name can't be blank")
    elif not _is_name(field, name):
        return None
    kubernetes = field.entry("kubernetes")
    return Environment(
        name=name,
        url=field.get("url", text),
        action=field.get("action", _action) or "start",
        on_stop=field.get("on_stop", text),
        auto_stop_in=field.get("auto_stop_in", _auto_stop),
        deployment_tier=field.get("deployment_tier", _tier),
        kubernetes=plain_mapping(kubernetes, KUBERNETES_KEYS) if kubernetes else {},
    )


def _is_name(field: Field, name: str) -> bool:
    if len(name) > MAX_NAME:
        field.refuse_as(f"name is too long (maximum is {MAX_NAME} characters)")
        return False
    if not _NAME.match(name) or name.startswith("/") or name.endswith("/"):
        field.refuse_as(_WRONG_NAME)
        return False
    return True


def _action(field: Field) -> str | None:
    if field.value in ACTIONS:
        return str(field.value)
    field.refuse("should be start, stop, prepare, verify, or access")
    return None


def _tier(field: Field) -> str | None:
    if isinstance(field.value, str) and (field.value in TIERS or "$" in field.value):
        return field.value
    field.refuse(f"must be one of {', '.join(TIERS)}")
    return None


def _auto_stop(field: Field) -> str | None:
    if isinstance(field.value, str) and "$" in field.value:
        return field.value
    return str(field.value) if duration(field) is not None else None

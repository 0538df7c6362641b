"""`environment:`: a name or a mapping."""

from __future__ import annotations

import re

from gitlab_ci_provider.config.keywords.fields import (
    Field,
    boolean,
    data_mapping,
    is_blank,
    mapping,
    text,
)
from gitlab_ci_provider.config.raw import Map
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
DASHBOARD_KEYS = ("namespace", "flux_resource_path")
ACTIONS = ("start", "stop", "prepare", "verify", "access")
TIERS = ("production", "staging", "testing", "development", "other")
_NAME = re.compile(r"\A(?:[a-zA-Z0-9_/\\${}. -]+)\Z")
_WRONG_NAME = (
    "name can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, "
    "but it cannot start or end with '/'"
)
MAX_URL = 255


def read_environment(field: Field) -> Environment | None:
    """Read `environment:`."""
    if isinstance(field.value, str):
        if is_blank(field.value):
            field.refuse_as("name can't be blank")
        return Environment(name=field.value) if _is_name(field, field.value) else None
    if not mapping(field, KEYS, "should be a hash or a string"):
        return None
    name = field.get("name", _name)
    if is_blank(field.value.get("name") if isinstance(field.value, Map) else None):
        field.refuse_as("name can't be blank")
    elif name is None or not _is_name(field, name):
        return None
    kubernetes = _kubernetes_entry(field)
    return Environment(
        name=name,
        url=field.get("url", _url),
        action=field.get("action", _action) or "start",
        on_stop=field.get("on_stop", text),
        auto_stop_in=field.get("auto_stop_in", text),
        deployment_tier=field.get("deployment_tier", _tier),
        kubernetes=_kubernetes(kubernetes) if kubernetes else {},
    )


def _name(field: Field) -> str | None:
    if isinstance(field.value, str):
        return field.value
    if not is_blank(field.value):
        field.refuse(_WRONG_NAME.removeprefix("name "))
    return None


def _kubernetes_entry(field: Field) -> Field | None:
    kubernetes = field.entry("kubernetes")
    if kubernetes is None or isinstance(kubernetes.value, Map):
        return kubernetes
    field.refuse_as("kubernetes should be a hash")
    return None


def _is_name(field: Field, name: str) -> bool:
    if not _NAME.match(name) or name.startswith("/") or name.endswith("/"):
        field.refuse_as(_WRONG_NAME)
        return False
    return True


def _action(field: Field) -> str | None:
    if text(field) in ACTIONS:
        return str(field.value)
    field.refuse("should be start, stop, prepare, verify, or access")
    return None


def _tier(field: Field) -> str | None:
    tier = text(field)
    if tier is not None and (tier in TIERS or "$" in tier):
        return tier
    field.refuse(f"must be one of {', '.join(TIERS)}")
    return None


def _url(field: Field) -> str | None:
    url = text(field)
    if url is not None and len(url) > MAX_URL:
        field.refuse(f"is too long (maximum is {MAX_URL} characters)")
    return url


def _kubernetes(field: Field) -> dict[str, object]:
    """Read `kubernetes:`; the agent is needed by everything that is done through it."""
    if not mapping(field, KUBERNETES_KEYS) or not isinstance(field.value, Map):
        return {}
    if not field.value:
        field.refuse("can't be blank")
    for key in ("namespace", "agent", "flux_resource_path"):
        field.get(key, text)
    flux, dashboard = field.value.get("flux_resource_path"), field.value.get("dashboard")
    managed = field.value.get("managed_resources")
    if not is_blank(flux) and is_blank(field.value.get("namespace")):
        field.refuse_as("namespace can't be blank")
    wanted = isinstance(managed, Map) and managed.get("enabled") is True
    if (not is_blank(flux) or dashboard or wanted) and is_blank(field.value.get("agent")):
        field.refuse_as("agent can't be blank")
    _check_dashboard(field, field.value)
    _check_managed(field)
    return data_mapping(field, KUBERNETES_KEYS)


def _check_dashboard(field: Field, kubernetes: Map) -> None:
    dashboard = field.attribute("dashboard")
    if dashboard is None or not dashboard.value:
        return
    if not mapping(dashboard, DASHBOARD_KEYS) or not isinstance(dashboard.value, Map):
        return
    if not isinstance(dashboard.value.get("namespace"), str):
        dashboard.refuse("missing required properties: namespace")
    for key in DASHBOARD_KEYS:
        if not is_blank(dashboard.value.get(key)) and not is_blank(kubernetes.get(key)):
            shown = key.replace("_", " ")
            field.refuse_as(f"{shown} cannot be specified when dashboard.{key} is set")


def _check_managed(field: Field) -> None:
    managed = field.attribute("managed_resources")
    if managed and mapping(managed, ("enabled",)):
        managed.get("enabled", boolean)

"""From a request to GitLab's trigger API to an event: `POST projects/:id/trigger/pipeline`.

Parameters are GitLab's: `token`, `ref`, `variables[NAME]`, `inputs[NAME]`, as a form, in the query
or as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.conf import check_conf
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.model.webhook_event import WebhookEvent

_IN_BRACKETS = re.compile(r"(variables|inputs)\[([^\[\]]{1,255})\]")
_KNOWN = frozenset({"token", "ref", "variables", "inputs"})


def gather(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Gather the fields of a form: `variables[NAME]=value` becomes a mapping.

    Raises:
        ConfigError: a field has another name: it would have no effect.
    """
    gathered: dict[str, Any] = {}
    for name, value in pairs:
        inside = _IN_BRACKETS.fullmatch(name)
        if inside:
            gathered.setdefault(inside[1], {})[inside[2]] = value
        elif name in _KNOWN:
            gathered[name] = value
        else:
            raise ConfigError(f"the parameter '{quoted(name)}' is not known here")
    return gathered


def read_trigger(
    given: Mapping[str, Any], project: Project, event_id: str, now: float
) -> WebhookEvent:
    """Read what is asked for.

    Raises:
        ConfigError: a value is not valid; the message says which.
    """
    unknown = [str(name) for name in given if name not in _KNOWN]
    if unknown:
        raise ConfigError(f"the parameter '{quoted(unknown[0])}' is not known here")
    ref = given.get("ref")
    if not isinstance(ref, str) or not ref:
        raise ConfigError("ref is missing")
    conf: dict[str, Any] = {"ref": ref, "source": "trigger"}
    for name in ("variables", "inputs"):
        values = given.get(name) or {}
        if not isinstance(values, Mapping):
            raise ConfigError(f"{name} is not a mapping")
        if values:
            conf[name] = dict(values)
    check_conf(conf)
    return WebhookEvent(
        id=event_id,
        what=f"trigger of {quoted(ref)}",
        project=project.path,
        clone_url=project.clone_url,
        ref=ref,
        conf=conf,
        label=ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
        received_at=now,
    )

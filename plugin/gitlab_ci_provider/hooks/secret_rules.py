"""Which secrets the jobs of which projects may have: `gitlab_ci_allow` in a connection's extra.

The connection can read all that its login can, so without a rule nobody gets anything::

    {"gitlab_ci_allow": [{"projects": "group/*", "secrets": "kv/{project}/*"},
                         {"projects": "*", "secrets": "kv/shared/*", "protected": false}]}

`*` stands for any text, `{project}` for the path of the job's project.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.model.secrets import WantedSecret
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.model.wildcards import fits

KEY = "gitlab_ci_allow"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lets jobs have secrets.

    Attributes:
        projects: pattern of project paths.
        secrets: pattern; of Vault `<mount>/<path>`, of AWS the id of the secret, of Google Cloud
            `projects/<project>/secrets/<name>`, of Azure the name.
        protected: only for pipelines of protected branches and tags.
    """

    projects: str
    secrets: str
    protected: bool = True


def refuse_unless_allowed(
    wanted: WantedSecret, extra: Mapping[str, Any], project: str, *, protected: bool
) -> None:
    """Fail a job that wants what it may not have.

    Raises:
        SystemFailure: no rule allows it, or the rules cannot be read.
    """
    try:
        rules = convert(extra.get(KEY) or [], list[Rule])
    except msgspec.ValidationError as problem:
        raise ConfigurationFailure(f"the connection's extra: {KEY}: {problem}") from None
    matching = [rule for rule in rules if _allows(rule, wanted.source.path, project)]
    if any(protected or not rule.protected for rule in matching):
        return
    if matching:
        raise ConfigurationFailure(f"secrets:{wanted.name}: only for protected branches and tags")
    message = f"secrets:{wanted.name}: project {project} may not read '{wanted.source.path}'"
    raise ConfigurationFailure(f"{message}; rules are in `{KEY}` of the connection's extra")


def _allows(rule: Rule, path: str, project: str) -> bool:
    return _matches(rule.projects, project, project) and _matches(rule.secrets, path, project)


def _matches(pattern: str, text: str, project: str) -> bool:
    """Compare; a project's path never is a pattern."""
    return fits([part.replace("{project}", project) for part in pattern.split("*")], text)

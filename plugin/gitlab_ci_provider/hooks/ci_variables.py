"""CI/CD variables of the instance, of groups and of projects, from Airflow Variables and GitLab.

Each level can be an Airflow Variable, in any secrets backend, and is encrypted in Airflow's
database. Their names contain the word `secret`, which makes Airflow show `***` instead of their
values. Where the connection to a project's GitLab allows it, the same level is read from there,
too. Of variables with the same level, name and environment scope, that of Airflow wins: it can
replace one in GitLab, and gives the value of a hidden one, which GitLab keeps to itself.

Needs: the Airflow Variables `gitlab_ci_secret_variables...`, all of which may be absent.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from itertools import zip_longest

from airflow.configuration import conf
from airflow.sdk import Variable as AirflowVariable

from gitlab_ci_provider.airflow_internals.tasks import AirflowRuntimeError
from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.gitlab_api.server import PATIENCE
from gitlab_ci_provider.hooks.gitlab_project import gitlab_project
from gitlab_ci_provider.hooks.gitlab_variables import Level, is_place, read_levels, read_place
from gitlab_ci_provider.model.names import stored_variables_names
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.variables.stored import parse_stored, secret_values

_BACKENDS = (("secrets", "backend"), ("workers", "secrets_backend"))
"""Options of Airflow that name a place for Variables outside its database."""


def configured_variables(
    project: Project,
    settings: Settings,
    expected: Collection[str] | None = None,
    patience: float = PATIENCE,
) -> ConfiguredVariables:
    """Read all variables that a project could get, nothing selected yet.

    Args:
        project: with its clone URL.
        settings: of the installation.
        expected: places that had variables when the pipeline was created; None when it is created.
        patience: for how many seconds a GitLab that does not answer is asked again.

    Raises:
        SettingsError: a place is not what GitLab's API would give, or is gone.
        GitlabApiError: GitLab refuses, or does not answer.
    """
    ours = airflow_variables(project.path, expected)
    if expected is not None and not any(map(is_place, expected)):
        return ours
    theirs = read_levels(gitlab_project(project, settings.git_conn_ids, patience), expected)
    return joined(theirs, ours) if theirs.places else ours


def airflow_variables(
    project_path: str, expected: Collection[str] | None = None
) -> ConfiguredVariables:
    """Read the variables that Airflow has for a project.

    Args:
        project_path: with its groups.
        expected: Airflow Variables that existed when the pipeline was created; None when it is
            created. Airflow reports a Variable that it cannot read as one that does not exist, and
            no job must run without its variables.

    Raises:
        SettingsError: an Airflow Variable is not what GitLab's API would give, or is gone.
    """
    names = stored_variables_names(project_path)
    asked = names if expected is None else _may_exist(names, expected)
    found = {
        name: AirflowVariable.get(name, default=None) if name in asked else None for name in names
    }
    gone = [name for name in expected or () if not is_place(name) and not found.get(name)]
    if gone:
        message = (
            f"Airflow Variable '{gone[0]}' existed when the pipeline was created and cannot be "
        )
        raise SettingsError(
            message + "read now: is Airflow's API or the secrets backend reachable?"
        )
    instance, *groups, project = (_parse(name, text) for name, text in found.items())
    return ConfiguredVariables(
        instance=instance,
        groups=tuple(groups),
        project=project,
        places=tuple(name for name, text in found.items() if text),
    )


def _may_exist(names: Sequence[str], expected: Collection[str]) -> Collection[str]:
    """Leave out Variables that do not exist, with one request instead of one for each.

    Those of a secrets backend cannot be listed: each is asked for.
    """
    if any(conf.get(*option, fallback="") for option in _BACKENDS):
        return names
    try:
        stored = {*AirflowVariable.keys(prefix=names[0])}
    except (AirflowRuntimeError, ImportError):  # the second without a supervisor
        return names
    return [
        name
        for name in names
        if name in expected or name in stored or f"AIRFLOW_VAR_{name.upper()}" in os.environ
    ]


def joined(theirs: ConfiguredVariables, ours: ConfiguredVariables) -> ConfiguredVariables:
    """Join what GitLab and Airflow have at each level: Airflow's wins.

    The closest groups correspond: the address of a server may have a path, which is part of the
    path of projects here.
    """
    groups = zip_longest(reversed(theirs.groups), reversed(ours.groups), fillvalue=())
    return ConfiguredVariables(
        instance=_level(theirs.instance, ours.instance),
        groups=tuple(_level(*pair) for pair in groups)[::-1],
        project=_level(theirs.project, ours.project),
        places=(*theirs.places, *ours.places),
    )


def _level(theirs: Level, ours: Level) -> Level:
    known = {(variable.name, variable.environment_scope): variable for variable in theirs}
    known.update({(variable.name, variable.environment_scope): variable for variable in ours})
    return tuple(known.values())


def values_to_hide(names: Collection[str]) -> tuple[str, ...]:
    """Read the values that must not be seen from the places that have them.

    Raises:
        SettingsError: one is gone, or cannot be read.
        GitlabApiError: GitLab refuses, or does not answer.
    """
    ours = [name for name in names if not is_place(name)]
    found = {name: AirflowVariable.get(name, default=None) for name in ours}
    if gone := [name for name, text in found.items() if not text]:
        raise SettingsError(f"Airflow Variable '{gone[0]}' has values to hide and cannot be read")
    layers = [_parse(name, text) for name, text in found.items()]
    layers += [read_place(name) for name in names if is_place(name)]
    return secret_values(ConfiguredVariables(groups=tuple(layers)))


def _parse(name: str, text: str | None) -> tuple[Variable, ...]:
    return parse_stored(text, f"Airflow Variable '{name}'") if text else ()

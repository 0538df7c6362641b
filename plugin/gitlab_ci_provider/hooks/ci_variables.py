"""CI/CD variables of the instance, of groups and of projects: each level is an Airflow Variable.

They can therefore be kept in any secrets backend, and are encrypted in Airflow's database. Their
names contain the word `secret`, which makes Airflow show `***` instead of their values.

Needs: the Airflow Variables `gitlab_ci_secret_variables...`, all of which may be absent.
"""

from __future__ import annotations

from collections.abc import Collection

from airflow.sdk import Variable as AirflowVariable

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.names import stored_variables_names
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.variables.stored import parse_stored


def configured_variables(project_path: str, expected: Collection[str] = ()) -> ConfiguredVariables:
    """Read all variables that a project could get, nothing selected yet.

    Args:
        project_path: with its groups.
        expected: Airflow Variables that existed before. Airflow reports a Variable that it cannot
            read as one that does not exist, and no job must run without its variables.

    Raises:
        SettingsError: an Airflow Variable is not what GitLab's API would give, or is gone.
    """
    names = stored_variables_names(project_path)
    found = {name: AirflowVariable.get(name, default=None) for name in names}
    gone = [name for name in expected if not found.get(name)]
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


def values_to_hide(names: Collection[str]) -> tuple[str, ...]:
    """Read the values that must not be seen from Airflow Variables.

    Raises:
        SettingsError: one is gone, or cannot be read.
    """
    found = {name: AirflowVariable.get(name, default=None) for name in names}
    if gone := [name for name, text in found.items() if not text]:
        raise SettingsError(f"Airflow Variable '{gone[0]}' has values to hide and cannot be read")
    layers = [_parse(name, text) for name, text in found.items()]
    return tuple(variable.value for layer in layers for variable in layer if variable.masked)


def _parse(name: str, text: str | None) -> tuple[Variable, ...]:
    return parse_stored(text, f"Airflow Variable '{name}'") if text else ()

"""CI/CD variables of the instance, of groups and of projects: each level is an Airflow Variable.

So they can lie in any secrets backend, and are encrypted in Airflow's database. The names hold the
word `secret`, at which Airflow shows `***` for whatever such a Variable holds.
"""

from __future__ import annotations

from airflow.sdk import Variable as AirflowVariable

from gitlab_ci_provider.model.names import stored_variables_names
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.variables.stored import parse_stored


def configured_variables(project_path: str) -> ConfiguredVariables:
    """Read all variables that a project could get, nothing selected yet.

    Raises:
        SettingsError: one of the Airflow Variables is not what GitLab's API would give.
    """
    instance, *groups, project = (_read(name) for name in stored_variables_names(project_path))
    return ConfiguredVariables(instance=instance, groups=tuple(groups), project=project)


def _read(name: str) -> tuple[Variable, ...]:
    text = AirflowVariable.get(name, default=None)
    return parse_stored(text, f"Airflow Variable '{name}'") if text else ()

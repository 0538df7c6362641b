"""Logins of image registries: from Airflow connections, and from a project's CI/CD variables.

Needs: connections of any type, for example `docker`. `host` is the registry, perhaps with a path,
`registry.example.com/group`; `login` and `password` are the user and the password or token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airflow.sdk import Connection

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.ci_variables import airflow_variables
from gitlab_ci_provider.image_builds.logins import RegistryLogin
from gitlab_ci_provider.variables.configured import applicable

CI_REGISTRY = ("CI_REGISTRY", "CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD")
AUTH_CONFIG = "DOCKER_AUTH_CONFIG"


def connection_logins(conn_ids: Sequence[str]) -> Iterator[RegistryLogin]:
    """Read the logins that connections hold.

    Raises:
        SettingsError: a connection has no host, login or password.
    """
    for conn_id in conn_ids:
        connection = Connection.get(conn_id)
        host = str(connection.host or "")
        for name, value in (
            ("host", host),
            ("login", connection.login),
            ("password", connection.password),
        ):
            if not value:
                raise SettingsError(
                    f"connection '{conn_id}' has no {name}: a registry's login needs it"
                )
        plain = host.partition("://")[2] if "://" in host else host
        first, slash, path = plain.partition("/")
        if connection.port and ":" not in first:
            first = f"{first}:{connection.port}"
        yield RegistryLogin(
            scope=f"{first}{slash}{path}",
            username=str(connection.login),
            password=str(connection.password),
        )


def project_logins(project: str) -> tuple[tuple[RegistryLogin, ...], str]:
    """Read what a project's variables say: CI_REGISTRY_*, and the text of DOCKER_AUTH_CONFIG.

    Unprotected variables without an environment only: a task of a DAG has no ref. They are those
    of Airflow Variables: the GitLab of its project is not known.

    Raises:
        SettingsError: an Airflow Variable that holds them cannot be read.
    """
    values = applicable(airflow_variables(project), protected=False).as_dict()
    registry, user, password = (values.get(name, "") for name in CI_REGISTRY)
    found = (RegistryLogin(scope=registry, username=user, password=password),)
    return (found if registry and user and password else ()), values.get(AUTH_CONFIG, "")

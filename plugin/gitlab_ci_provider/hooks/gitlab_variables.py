"""CI/CD variables of the instance, of groups and of projects, read from GitLab's API.

One request a level, as a page holds 100 variables. They are in no cache and no record: whatever
needs a value asks for it, as GitLab itself reads them when a job starts.

A place is the name of a level, such as `gitlab gitlab_ci_git groups/shop`: kind, connection, and
path. Records hold places, never values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from urllib.parse import quote

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from gitlab_ci_provider.exceptions import GitlabApiError, SettingsError
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.hooks.gitlab import server_of
from gitlab_ci_provider.hooks.gitlab_project import GitLabProject, VariableLevels
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.variables.stored import parse_answer

_KIND = "gitlab"
_PROJECTS, _GROUPS, _INSTANCE = "projects/", "groups/", "admin/ci"
_PATIENCE_FOR_LOGS = 10.0
"""Seconds. A worker can hide values as well as a triggerer, and waits longer."""

Level = tuple[Variable, ...]


def is_place(name: str) -> bool:
    """Return whether a name is that of a level of a GitLab."""
    return name.startswith(f"{_KIND} ")


def read_levels(
    found: GitLabProject | None, expected: Collection[str] | None = None
) -> ConfiguredVariables:
    """Read the levels that the connection allows.

    Args:
        found: the project; None when it is on no GitLab with a connection.
        expected: places that had variables when the pipeline was created, all others are not asked
            again; None to ask for all of them.

    Raises:
        GitlabApiError: GitLab refuses one of them, or does not answer.
        SettingsError: the connection no longer allows what it allowed then.
    """
    paths = () if found is None else tuple(_paths(found))
    places = {path: _place(found, path) for path in paths if found}
    wanted = places if expected is None else {p: n for p, n in places.items() if n in expected}
    gone = set(filter(is_place, expected or ())) - set(wanted.values())
    if gone:
        words = f"'{min(gone)}' had CI/CD variables when the pipeline was created"
        raise SettingsError(f"{words}, and its connection no longer allows to read them")
    if found is None:
        return ConfiguredVariables()
    read = {path: _read_or_none(found, path) for path in wanted}
    groups = tuple(read.get(path, ()) for path in _group_paths(found))
    return ConfiguredVariables(
        instance=read.get(_INSTANCE, ()),
        groups=groups,
        project=read.get(f"{_PROJECTS}{found.path}", ()),
        places=tuple(places[path] for path, level in read.items() if level),
    )


def read_place(place: str) -> Level:
    """Read one level again, for what hides its values in a log.

    Raises:
        GitlabApiError: GitLab refuses, or does not answer.
        SettingsError: the connection is gone or wrong.
    """
    _, conn_id, path = place.split(" ", 2)
    try:
        connection = Connection.get(conn_id)
    except AirflowNotFoundException:
        words = f"the connection '{conn_id}', by which CI/CD variables were read, is gone"
        raise SettingsError(words) from None
    return _read(server_of(connection, _PATIENCE_FOR_LOGS), path)


def _paths(found: GitLabProject) -> Iterator[str]:
    if found.levels is VariableLevels.ALL:
        yield _INSTANCE
    if found.levels in {VariableLevels.ALL, VariableLevels.GROUPS}:
        yield from _group_paths(found)
    if found.levels is not VariableLevels.NONE:
        yield f"{_PROJECTS}{found.path}"


def _group_paths(found: GitLabProject) -> Iterator[str]:
    names = found.path.split("/")[:-1]
    yield from (f"{_GROUPS}{'/'.join(names[:count])}" for count in range(1, len(names) + 1))


def _place(found: GitLabProject, path: str) -> str:
    return f"{_KIND} {found.conn_id} {path}"


def _read_or_none(found: GitLabProject, path: str) -> Level:
    """Read a level; the namespace of a person has no variables, and GitLab knows no such group."""
    try:
        return _read(found.server, path)
    except GitlabApiError as problem:
        outermost = path.startswith(_GROUPS) and path.count("/") == 1
        if problem.status == 404 and outermost and _is_of_person(found):
            return ()
        raise


def _read(server: GitLabServer, path: str) -> Level:
    from gitlab_ci_provider.gitlab_api.client import open_gitlab
    from gitlab_ci_provider.gitlab_api.errors import in_words

    whose, role = _whose(path)
    kind, slash, name = path.partition("/")
    asked = path if path == _INSTANCE else f"{kind}{slash}{quote(name, safe='')}"
    client = open_gitlab(server)
    try:
        with in_words(server, f"read the CI/CD variables of {whose}"):
            answer = list(client.http_list(f"/{asked}/variables", iterator=True, per_page=100))
    except GitlabApiError as problem:
        if problem.status not in {403, 404}:
            raise
        advice = f"{role}, or fewer levels in `variables` of the connection's extra"
        raise GitlabApiError(f"{problem}; this needs {advice}", problem.status) from None
    return parse_answer(answer, f"GitLab's variables of {whose}")


def _whose(path: str) -> tuple[str, str]:
    """Say whose variables are at a path, and which role may read them."""
    if path == _INSTANCE:
        return "the instance", "a token of an administrator with the scope `api`"
    if path.startswith(_GROUPS):
        name = path.removeprefix(_GROUPS)
        return f"the group {name}", f"the role Owner in {name} and the scope `read_api` or `api`"
    name = path.removeprefix(_PROJECTS)
    return f"the project {name}", f"the role Maintainer in {name} and the scope `read_api` or `api`"


def _is_of_person(found: GitLabProject) -> bool:
    from gitlab_ci_provider.gitlab_api.client import open_gitlab
    from gitlab_ci_provider.gitlab_api.errors import in_words

    with in_words(found.server, f"read the project {found.path}"):
        project = open_gitlab(found.server).projects.get(found.path)
    return bool(project.namespace.get("kind") == "user")

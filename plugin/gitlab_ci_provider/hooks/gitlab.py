"""The connection to GitLab: type `gitlab`, with a form and a Test button in Airflow's UI.

`host` is the address of the server, `password` the token. The extra holds `kind`, `tls`,
`ca_file`, `proxy` and `repositories`; all of them are optional.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from gitlab_ci_provider.exceptions import GitlabApiError, SettingsError
from gitlab_ci_provider.gitlab_api.server import (
    PATIENCE,
    GitLabServer,
    Reads,
    Tls,
    TokenKind,
    server_url,
)
from gitlab_ci_provider.model.quoted import quoted

if TYPE_CHECKING:
    import gitlab
    from airflow.sdk import Connection
    from gitlab.v4.objects import GroupProject, Project

CONN_TYPE = "gitlab"
_PAGE = 100
Choice = TypeVar("Choice", bound=StrEnum)

_FLAGS = {"true": True, "1": True, "yes": True, "on": True} | dict.fromkeys(
    ("false", "0", "no", "off"), False
)


class GitLabHook(BaseHook):
    """GitLab's API for tasks and other hooks.

    Args:
        gitlab_conn_id: name of the connection.
        patience: for how many seconds requests without an answer are repeated.
    """

    conn_name_attr = "gitlab_conn_id"
    default_conn_name = "gitlab_default"
    conn_type = CONN_TYPE
    hook_name = "GitLab"

    def __init__(self, gitlab_conn_id: str = default_conn_name, patience: float = PATIENCE):
        super().__init__()
        self.gitlab_conn_id = gitlab_conn_id
        self.patience = patience

    @cached_property
    def server(self) -> GitLabServer:
        """The server and how it is asked.

        Raises:
            SettingsError: there is no such connection, or it is wrong.
        """
        try:
            connection = self.get_connection(self.gitlab_conn_id)
        except AirflowNotFoundException as problem:
            words = f"there is no connection '{self.gitlab_conn_id}' to a GitLab"
            raise SettingsError(words) from problem
        return server_of(connection, self.patience)

    def get_conn(self) -> gitlab.Gitlab:
        """Return python-gitlab's client, which repeats and waits as GitLab asks for.

        Raises:
            SettingsError: the connection is wrong.
        """
        return self._client

    def in_words(self, doing: str) -> AbstractContextManager[None]:
        """Turn the client's exceptions inside a `with` into words.

        Args:
            doing: completes "cannot".
        """
        from gitlab_ci_provider.gitlab_api.errors import in_words

        return in_words(self.server, doing)

    def projects(self, group: str = "", **filters: Any) -> Iterator[Project | GroupProject]:
        """List the projects of a group and its subgroups, or all that the token can see.

        All of them are read by keyset, which is not limited to 50,000 as pages are. GitLab offers
        pages only for those of a group; in the order of their ids, new projects shift none of them.

        Args:
            group: its path or id; empty for all.
            filters: of GitLab's API: `topic`, `archived`, `last_activity_after` ...

        Raises:
            GitlabApiError: GitLab refuses or does not answer.
        """
        asked: dict[str, Any] = {"order_by": "id", "sort": "asc", "per_page": _PAGE, **filters}
        with self.in_words(f"list the projects of {group}" if group else "list projects"):
            if group:
                found = self._client.groups.get(group, lazy=True).projects
                yield from found.list(iterator=True, include_subgroups=True, **asked)
            else:
                yield from self._client.projects.list(iterator=True, pagination="keyset", **asked)

    def test_connection(self) -> tuple[bool, str]:
        """Say who the token is, what it may do, until when, and what is missing."""
        from gitlab_ci_provider.gitlab_api.report import examine

        try:
            report = examine(server_of(self.get_connection(self.gitlab_conn_id), patience=0))
        except (GitlabApiError, SettingsError) as problem:
            return False, str(problem)
        return report.usable, str(report)

    @cached_property
    def _client(self) -> gitlab.Gitlab:
        from gitlab_ci_provider.gitlab_api.client import open_gitlab

        return open_gitlab(self.server, self.log)


def server_of(connection: Connection, patience: float = PATIENCE) -> GitLabServer:
    """Read a connection.

    Raises:
        SettingsError: it does not say which server, or something else than it may.
    """
    extra: dict[str, Any] = connection.extra_dejson
    name = str(connection.conn_id)
    return GitLabServer(
        url=server_url(_address(connection)),
        token=(connection.password or "").strip(),
        kind=choice(name, "kind", extra, TokenKind.PERSONAL),
        tls=choice(name, "tls", extra, Tls.VERIFY),
        ca_file=str(extra.get("ca_file") or ""),
        proxy=str(extra.get("proxy") or ""),
        reads=choice(name, "repositories", extra, Reads.GIT),
        patience=patience,
    )


def _address(connection: Connection) -> str:
    host = str(connection.host or "")
    if not host:
        # Without a host, any server that a repository is on would get the token.
        raise SettingsError(f"connection '{connection.conn_id}' names no host: which GitLab is it?")
    if "://" not in host:
        scheme = connection.schema if connection.schema in {"http", "https"} else "https"
        host = f"{scheme}://{host}"
    start, slash, path = host.partition("://")[2].partition("/")
    port = f":{connection.port}" if connection.port and ":" not in start else ""
    return f"{host.partition('://')[0]}://{start}{port}{slash}{path}"


def choice(name: str, key: str, extra: dict[str, Any], default: Choice) -> Choice:
    """Read one of several words from a connection's extra.

    Args:
        name: of the connection.
        key: in the extra.
        extra: of the connection.
        default: where it says nothing.

    Raises:
        SettingsError: it says something else.
    """
    given = str(extra.get(key) or default)
    kind = type(default)
    try:
        return kind(given)
    except ValueError as problem:
        known = ", ".join(f"'{value}'" for value in kind)
        words = f"connection '{name}': {key} is '{quoted(given)}', not one of {known}"
        raise SettingsError(words) from problem


def flag(name: str, key: str, extra: dict[str, Any]) -> bool:
    """Read true or false from a connection's extra, as JSON or as a word; false without one.

    Args:
        name: of the connection.
        key: in the extra.
        extra: of the connection.

    Raises:
        SettingsError: it says something else.
    """
    given = str(extra.get(key) or False).lower()
    if given not in _FLAGS:
        words = f"connection '{name}': {key} is '{quoted(given)}', not true or false"
        raise SettingsError(words)
    return _FLAGS[given]

"""Airflow connections that hold the logins of git servers.

Needs: connections of any type. `host` names the server (`https://gitlab.example.com`, or the host
alone), `password` is the token or password, `login` the user; without a user it is a GitLab token.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.git_login import JOB_USER, TOKEN_USER, GitLogin
from gitlab_ci_provider.model.project import Project

if TYPE_CHECKING:
    from gitlab_ci_provider.gitlab_api.server import GitLabServer


def conn_ids_of(project: Project, conn_ids: str) -> str:
    """List the connections for a project: the one that it was found with, then the others."""
    return f"{project.gitlab_conn_id},{conn_ids}"


def git_login(url: str, conn_ids: str) -> GitLogin | None:
    """Find the login for the server of a URL; None when there is none.

    Args:
        url: of a repository.
        conn_ids: of connections, separated by commas; the first for this server is used.

    Raises:
        SettingsError: a connection does not say which server it is for.
    """
    # One that reads by the API may be no login for git: any other counts before it.
    for connection in sorted(connections_for(url, conn_ids), key=_reads_by_api):
        if connection.password:
            return GitLogin(username=_user(connection), password=connection.password)
    return None


def gitlab_of(url: str, conn_ids: str) -> GitLabServer | None:
    """Find the GitLab that a repository is on, by a connection of type `gitlab`; None without one.

    Args:
        url: of the repository.
        conn_ids: of connections, separated by commas; the first for this server is used.

    Raises:
        SettingsError: a connection does not say which server it is for, or is wrong.
    """
    from gitlab_ci_provider.hooks.gitlab import CONN_TYPE, server_of

    for connection in connections_for(url, conn_ids):
        if connection.conn_type == CONN_TYPE:
            return server_of(connection)
    return None


def connections_for(url: str, conn_ids: str) -> Iterator[Connection]:
    """List the connections for the server of a URL, in their order.

    Raises:
        SettingsError: one does not say which server it is for.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        return
    for conn_id in filter(None, map(str.strip, conn_ids.split(","))):
        try:
            connection = Connection.get(conn_id)
        except AirflowNotFoundException:
            continue
        if not connection.host:
            # Without a host, any server that a repository is on would get the token.
            words = f"connection '{conn_id}' names no host: which git server is it for?"
            raise SettingsError(words)
        if _same_server(url, connection):
            yield connection


def _reads_by_api(connection: Connection) -> bool:
    return str(connection.extra_dejson.get("repositories")) == "api"


def _user(connection: Connection) -> str:
    """Return the user name; GitLab takes a job token with one of its own only."""
    if connection.login or connection.conn_type != "gitlab":
        return connection.login or TOKEN_USER
    return JOB_USER if connection.extra_dejson.get("kind") == "job" else TOKEN_USER


def _same_server(url: str, connection: Connection) -> bool:
    host = str(connection.host)
    named = urlsplit(host if "://" in host else f"//{host}")
    wanted = urlsplit(url)
    scheme = named.scheme or connection.schema or "https"
    port = connection.port or named.port
    return (
        named.hostname == wanted.hostname
        and scheme == wanted.scheme
        and (port or _port(scheme)) == (wanted.port or _port(wanted.scheme))
    )


def _port(scheme: str) -> int:
    return 80 if scheme == "http" else 443

"""Airflow connections that hold the logins of git servers.

Needs: connections of any type. `host` names the server (`https://gitlab.example.com`, or the host
alone), `password` is the token or password, `login` the user; without a user it is a GitLab token.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.git_login import JOB_USER, TOKEN_USER, GitLogin


def git_login(url: str, conn_ids: str) -> GitLogin | None:
    """Find the login for the server of a URL; None when there is none.

    Args:
        url: of a repository.
        conn_ids: of connections, separated by commas; the first for this server is used.

    Raises:
        SettingsError: a connection does not say which server it is for.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        return None
    for conn_id in filter(None, map(str.strip, conn_ids.split(","))):
        login = _login(url, conn_id)
        if login is not None:
            return login
    return None


def _login(url: str, conn_id: str) -> GitLogin | None:
    try:
        connection = Connection.get(conn_id)
    except AirflowNotFoundException:
        return None
    if not connection.host:
        # Without a host, any server that a repository is on would get the token.
        raise SettingsError(f"connection '{conn_id}' names no host: which git server is it for?")
    if not _same_server(url, connection) or not connection.password:
        return None
    return GitLogin(username=_user(connection), password=connection.password)


def _user(connection: Connection) -> str:
    """Return the user name; GitLab takes a job token with one of its own only."""
    if connection.login or connection.conn_type != "gitlab":
        return connection.login or TOKEN_USER
    return JOB_USER if connection.extra_dejson.get("token_kind") == "job" else TOKEN_USER


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

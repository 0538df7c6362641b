"""Logging in at a git server over HTTP: git gets it through its environment.

A credential helper, bound to the server's host, reads user and password there. So they are in no
argument, URL, configuration file or log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

TOKEN_USER = "oauth2"  # noqa: S105 - a user, no password
"""GitLab accepts any user name with an access token; its documentation uses this one."""

JOB_USER = "gitlab-ci-token"
"""The only user name that GitLab accepts with a job token."""

_ANSWER = (
    '!f() { [ "$1" = get ] && printf "username=%s\\npassword=%s\\n" '
    '"$GITLAB_CI_GIT_USERNAME" "$GITLAB_CI_GIT_PASSWORD"; }; f'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLogin:
    """User and password of one server."""

    username: str = TOKEN_USER
    password: str = field(repr=False)


def split_login(url: str) -> tuple[str, GitLogin | None]:
    """Take user and password out of a URL; None when it holds no password."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or "@" not in parts.netloc:
        return url, None
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    if not parts.password:
        return bare, None
    user = unquote(parts.username or "") or TOKEN_USER
    return bare, GitLogin(username=user, password=unquote(parts.password))


def login_environment(url: str, login: GitLogin | None) -> dict[str, str]:
    """Build the variables that let git log in at the host of a URL, and nowhere else."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or login is None or not login.password:
        return {}
    host = parts.netloc.rpartition("@")[2]
    return {
        **configuration({f"credential.{parts.scheme}://{host}.helper": _ANSWER}),
        "GITLAB_CI_GIT_USERNAME": login.username,
        "GITLAB_CI_GIT_PASSWORD": login.password,
    }


def configuration(
    settings: Mapping[str, str] | Sequence[tuple[str, str]],
    environment: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Add settings of git to those that an environment holds already."""
    pairs = [*settings.items()] if isinstance(settings, Mapping) else settings
    known = dict(environment or {})
    count = int(known.get("GIT_CONFIG_COUNT") or 0)
    for number, (key, value) in enumerate(pairs, start=count):
        known |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return known | {"GIT_CONFIG_COUNT": str(count + len(pairs))}

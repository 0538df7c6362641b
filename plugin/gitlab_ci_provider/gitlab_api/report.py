"""Who a token is, what it may do, and what is missing: for people who set up a connection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.gitlab_api.client import open_gitlab
from gitlab_ci_provider.gitlab_api.errors import in_words
from gitlab_ci_provider.gitlab_api.server import GitLabServer, Reads, Tls, TokenKind

if TYPE_CHECKING:
    import gitlab

_SOON = timedelta(days=14)
_READS = frozenset({"api", "read_api"})
_GIT = frozenset({"api", "read_repository", "write_repository"})
_WITHOUT_GIT = {
    Reads.GIT: "repositories cannot be fetched: that needs the scope read_repository or api, or "
    "the API (`repositories`)",
    Reads.API: "jobs cannot fetch their commit with it, and need another login for git",
}
_BOTS = {"group_": TokenKind.GROUP, "project_": TokenKind.PROJECT}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReport:
    """What GitLab says of a token.

    Attributes:
        expires: a date, or empty when it does not expire or GitLab does not say.
        missing: what cannot be done with it, in words.
    """

    server: str
    user: str
    kind: TokenKind | None
    scopes: tuple[str, ...] = ()
    expires: str = ""
    usable: bool = True
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        scopes = f" Scopes: {', '.join(self.scopes)}." if self.scopes else ""
        expires = f" Expires {self.expires}." if self.expires else ""
        missing = f" Note: {'; '.join(self.missing)}." if self.missing else ""
        whose = f"{self.kind} token of {self.user}" if self.kind else self.user
        return f"{self.server}: {whose}.{scopes}{expires}{missing}"


def examine(server: GitLabServer) -> TokenReport:
    """Ask GitLab about a token.

    Raises:
        GitlabApiError: GitLab does not answer, or does not accept it.
    """
    client = open_gitlab(server)
    with in_words(server, "look up the token"):
        if not server.token:
            client.http_list("/projects", {"per_page": 1}, page=1)
            note = "without a token only public projects can be read, and nothing can be reported"
            return TokenReport(server=f"GitLab at {server.url}", user="nobody (no token)",
                               kind=None, missing=(*_of_tls(server), note))  # fmt: skip
        if server.kind is TokenKind.JOB:
            return _of_job(server, _get(client, "/job"))
        about = _about_token(server, client)
        user = _get(client, "/user")
        version = _get(client, "/version")
    return _report(server, about, user, version, datetime.now(UTC))


def _about_token(server: GitLabServer, client: gitlab.Gitlab) -> dict[str, Any]:
    if server.kind is TokenKind.OAUTH:
        said = _get(client, f"{server.url}/oauth/token/info")
        return {"scopes": said.get("scope") or (), "seconds": said.get("expires_in")}
    return _get(client, "/personal_access_tokens/self")


def _get(client: gitlab.Gitlab, path: str) -> dict[str, Any]:
    """Ask for one thing; an answer that is a page of HTML is not GitLab's."""
    from gitlab.exceptions import GitlabParsingError

    said = client.http_get(path)
    if not isinstance(said, dict):
        raise GitlabParsingError("not JSON")
    return said


def _of_job(server: GitLabServer, job: dict[str, Any]) -> TokenReport:
    note = "it ends with its job, and GitLab takes it in few places: use a group's token instead"
    return TokenReport(
        server=f"GitLab at {server.url}",
        user=f"the job '{job.get('name')}'",
        kind=TokenKind.JOB,
        missing=(*_of_tls(server), note),
    )


def _report(
    server: GitLabServer,
    about: dict[str, Any],
    user: dict[str, Any],
    version: dict[str, Any],
    now: datetime,
) -> TokenReport:
    scopes = tuple(str(scope) for scope in about.get("scopes") or ())
    name = str(user.get("username") or "")
    expires = str(about.get("expires_at") or "")
    if about.get("seconds") is not None:
        expires = f"{now + timedelta(seconds=float(about['seconds'])):%Y-%m-%d %H:%M} UTC"
    return TokenReport(
        server=f"GitLab {version.get('version')} at {server.url}",
        user=name,
        kind=_kind(server.kind, user),
        scopes=scopes,
        expires=expires,
        usable=bool(_READS & set(scopes)),
        missing=(
            *_of_tls(server),
            *_of_scopes(server.reads, scopes),
            *_of_expiry(str(about.get("expires_at") or ""), now.date()),
            *_of_kind(server.kind, user),
        ),
    )


def _kind(given: TokenKind, user: dict[str, Any]) -> TokenKind:
    """Read the kind from the user: tokens of groups and projects belong to bots."""
    if given is TokenKind.OAUTH or not user.get("bot"):
        return TokenKind.OAUTH if given is TokenKind.OAUTH else TokenKind.PERSONAL
    name = str(user.get("username") or "")
    return next((kind for start, kind in _BOTS.items() if name.startswith(start)), given)


def _of_tls(server: GitLabServer) -> tuple[str, ...]:
    if server.url.startswith("http:"):
        return ("the connection is not encrypted: everybody on the way can read the token",)
    if server.tls is Tls.ANY_CERTIFICATE:
        return ("certificates are not checked: anybody on the way can take the token",)
    return ()


def _of_scopes(reads: Reads, scopes: tuple[str, ...]) -> tuple[str, ...]:
    have = set(scopes)
    lacks = []
    if not _READS & have:
        lacks.append("projects cannot be read: that needs the scope read_api or api")
    if "api" not in have:
        lacks.append("nothing can be reported to GitLab: that needs the scope api")
    if not _GIT & have:
        lacks.append(_WITHOUT_GIT[reads])
    return tuple(lacks)


def _of_expiry(expires: str, today: date) -> tuple[str, ...]:
    try:
        left = date.fromisoformat(expires[:10]) - today
    except ValueError:
        return ()
    return (f"it expires in {left.days} days",) if left < _SOON else ()


def _of_kind(given: TokenKind, user: dict[str, Any]) -> tuple[str, ...]:
    found = _kind(given, user)
    return () if found is given else (f"the connection calls it a {given} token",)

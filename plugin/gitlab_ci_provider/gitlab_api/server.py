"""Which GitLab is asked, as whom, and over which network."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote, unquote, urlsplit

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.quoted import hide_credentials, quoted

HIDDEN = "***"
_SHORTEST = 4
"""Letters of a secret; what is shorter is a part of other words."""
PATIENCE = 300.0
"""Seconds."""

LIMIT_PATIENCE = 3600.0
"""Seconds for which rate limits are obeyed without one answer in between."""


class TokenKind(StrEnum):
    """What kind of token it is; GitLab takes each in its own header."""

    PERSONAL = "personal"
    GROUP = "group"
    PROJECT = "project"
    JOB = "job"
    OAUTH = "oauth"


class Tls(StrEnum):
    """Whether the server must prove that it is the right one."""

    VERIFY = "verify"
    ANY_CERTIFICATE = "accept any certificate"


class Reads(StrEnum):
    """How the repositories of its projects are read."""

    GIT = "git"
    API = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabServer:
    """A server, and how to talk to it.

    Attributes:
        url: its address, with the path if it has one; without `/api/v4`.
        token: without one only what is public can be read.
        ca_file: certificates that are trusted instead of the system's.
        proxy: through which it is asked; empty: what the environment says.
        patience: for how many seconds requests without an answer are repeated.
        limit_patience: for how many seconds rate limits are obeyed.
    """

    url: str
    token: str = field(default="", repr=False)
    kind: TokenKind = TokenKind.PERSONAL
    tls: Tls = Tls.VERIFY
    ca_file: str = ""
    proxy: str = field(default="", repr=False)
    reads: Reads = Reads.GIT
    patience: float = PATIENCE
    limit_patience: float = LIMIT_PATIENCE

    @property
    def verify(self) -> bool | str:
        """How certificates are checked, as requests wants it."""
        if self.tls is Tls.ANY_CERTIFICATE:
            return False
        return self.ca_file or True

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: the token goes nowhere else."""
        return origin(self.url)

    def hide(self, text: str) -> str:
        """Replace the token and the proxy's login in a text."""
        login = urlsplit(self.proxy).netloc.rpartition("@")[0]
        for secret in (self.token, login, login.partition(":")[2]):
            if len(secret) >= _SHORTEST:
                for written in (secret, quote(secret, safe="")):
                    text = text.replace(written, HIDDEN)
        return text

    def tells_token(self, text: str) -> bool:
        """Return whether a text or address holds the token."""
        return len(self.token) >= _SHORTEST and self.token in unquote(text)


def project_path(number: int, path: str) -> str:
    """Return where GitLab's API has a project: by its number, or by its path without one."""
    return f"/projects/{number or quote(path, safe='')}"


def path_on(server: GitLabServer, clone_url: str) -> str:
    """Return a project's path on its server, whose own address may have a path."""
    path = unquote(urlsplit(clone_url).path).rstrip("/").removesuffix(".git")
    return path.removeprefix(unquote(urlsplit(server.url).path)).strip("/")


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL.

    Raises:
        ValueError: it is not valid.
    """
    parts = urlsplit(url)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    return parts.scheme, (parts.hostname or "").rstrip("."), port


def server_url(written: str) -> str:
    """Read the address of a server as people write it: a host alone, with `/`, with `/api/v4`.

    Raises:
        SettingsError: it is not the address of a web server.
    """
    text = written.strip()
    text = text if "://" in text else f"https://{text}"
    try:
        scheme, host, _ = origin(text)
    except ValueError:
        scheme, host = "", ""
    if scheme not in {"http", "https"} or not host or any(ord(c) < 33 for c in text):
        shown = quoted(hide_credentials(text))
        raise SettingsError(f"'{shown}' is not the address of a GitLab server, like https://HOST")
    if "@" in urlsplit(text).netloc:
        raise SettingsError("the address of a GitLab server must not hold a login: use the token")
    return text.split("?")[0].split("#")[0].rstrip("/").removesuffix("/api/v4").rstrip("/")

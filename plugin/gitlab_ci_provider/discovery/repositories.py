"""From a repository as the user names it, by a path or URL, to a project."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.model.quoted import hide_credentials, quoted

_SCP_LIKE = re.compile(r"^(?:[\w.-]+@)?[\w.-]+:(?!//)(?P<path>.+)$")

_SPECIAL = re.compile(r"[^A-Za-z0-9_.-]+|\.{2,}")


def clone_url(location: str) -> str:
    """Turn a path or URL into a URL that git understands in any directory.

    Raises:
        SourceError: there is no git repository at the path.
    """
    if "://" in location or _SCP_LIKE.match(location):
        return location
    try:
        path = Path(location).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a NUL, an unknown user, a loop
        raise SourceError(
            f"{quoted(location)}: neither a directory nor a git URL: {error}"
        ) from error
    if not path.is_dir():
        raise SourceError(f"{location}: no such directory, and not a git URL")
    top = next((folder for folder in (path, *path.parents) if is_repository(folder)), None)
    if top is None:
        raise SourceError(f"{location}: not a git repository; `git init` and commit first")
    return top.as_uri()


def is_repository(folder: Path) -> bool:
    """Return whether a folder is the top of a working copy or a bare repository."""
    return (folder / ".git").exists() or (
        (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    )


def project_of(url: str, default_branch: str) -> Project:
    """Describe the project of a clone URL.

    A repository on this machine has no namespace and gets `local/`. The web pages of one on a
    server are at its clone URL, as with GitLab.
    """
    shown = hide_credentials(url)
    on_server = urlsplit(shown).scheme in {"http", "https"}
    return Project(
        path=_project_path(shown),
        clone_url=shown,
        default_branch=default_branch,
        web_url=shown.removesuffix("/").removesuffix(".git") if on_server else "",
    )


def _project_path(url: str) -> str:
    parts = urlsplit(url)
    scp = _SCP_LIKE.match(url)
    if parts.scheme == "file":
        names = ["local", _name(unquote(parts.path))]
    elif "://" in url:
        names = [part for part in unquote(parts.path).split("/") if part]
    else:
        names = [part for part in (scp["path"] if scp else url).split("/") if part]
    cleaned = [_SPECIAL.sub("-", name).strip("-.") or "project" for name in names]
    cleaned[-1] = cleaned[-1].removesuffix(".git")
    return "/".join(cleaned if len(cleaned) > 1 else ["local", *cleaned])


def _name(path: str) -> str:
    names = [part for part in path.split("/") if part]
    return names[-2] if names[-1] == ".git" else names[-1]

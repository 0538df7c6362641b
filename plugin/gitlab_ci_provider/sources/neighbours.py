"""Other projects on the same git server: what a repository's pipeline includes from there.

They are read with the login of the repository's server. Unlike GitLab, no person's permissions are
checked: a pipeline can include from every project that this login can read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gitlab_ci_provider.config.includes.fetcher import ProjectFiles
from gitlab_ci_provider.exceptions import SourceError, UnknownRefError
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.sources.gitlab import names_release, newest
from gitlab_ci_provider.sources.remote import RemoteFiles
from gitlab_ci_provider.sources.repository import Repository

_TEMPLATES = "https://gitlab.com/gitlab-org/gitlab/-/raw/master/lib/gitlab/ci/templates"
_PATH = re.compile(r"\w[\w.-]*(/\w[\w.-]*)*")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Everything that a repository's pipeline includes from outside; an `Elsewhere`.

    Attributes:
        owner: the project whose pipeline it is.
        open_repository: opens that of a URL, with the login for its server.
        remote_files: fetches from the hosts that are allowed.
    """

    owner: Project
    open_repository: Callable[[str], Repository]
    remote_files: RemoteFiles

    def project(self, path: str, ref: str | None) -> ProjectFiles | None:
        """Find a project at a ref or version; a version is the highest tag that it allows.

        Raises:
            SourceError: it cannot be read, or has no such ref.
        """
        repository = self.open_repository(neighbour_url(path, self.owner))
        version = newest(repository.ref_names(), ref) if ref and names_release(ref) else ""
        wanted = version or ref or repository.default_branch()
        try:
            found = repository.fetch(wanted)
        except UnknownRefError as problem:
            message = f"Project `{path}` reference `{wanted}` does not exist!"
            raise SourceError(message) from problem
        return ProjectFiles(repository.at(found.sha), found.sha, version)

    def remote(self, url: str) -> bytes:
        """Fetch a URL.

        Raises:
            SourceError: it must not or cannot be fetched.
        """
        return self.remote_files.fetch(url)

    def template(self, name: str) -> bytes | None:
        """Fetch one of GitLab's own templates, as they are now, from gitlab.com.

        Raises:
            SourceError: gitlab.com is not an allowed host, or does not answer.
        """
        return self.remote_files.fetch(f"{_TEMPLATES}/{name}")


def neighbour_url(path: str, owner: Project) -> str:
    """Make the address of a project from that of another on the same server.

    For a repository on this machine, the projects are the folders next to it.

    Raises:
        UnknownRefError: the owner's address does not end with its path, or the path is not valid.
    """
    if _PATH.fullmatch(path):
        if owner.clone_url.startswith("file:"):
            return f"{owner.clone_url.rpartition('/')[0]}/{path.rpartition('/')[2]}"
        for ending in (f"{owner.path}.git", owner.path):
            server = owner.clone_url.removesuffix(ending)
            if server != owner.clone_url:
                return f"{server}{path}{ending.removeprefix(owner.path)}"
    raise UnknownRefError(f"cannot derive the address of project '{path}' from {owner.clone_url}")

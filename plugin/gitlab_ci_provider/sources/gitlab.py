"""Files of other projects through GitLab's API: `include:project`, `component` and `template`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from gitlab_ci_provider.config.includes.fetcher import ProjectFiles
from gitlab_ci_provider.exceptions import GitlabApiError, SourceError
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.sources.gitlab_repository import GitlabRepository
from gitlab_ci_provider.sources.remote import RemoteFiles

if TYPE_CHECKING:
    import gitlab
    from gitlab.v4.objects import Project

TEMPLATES_PROJECT = "gitlab-org/gitlab"
TEMPLATES_FOLDER = "lib/gitlab/ci/templates"
_ENDING = ".gitlab-ci.yml"
_VERSION = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)$")
Answer = TypeVar("Answer")
_PARTIAL = re.compile(r"^\d+(\.\d+)?$")


@dataclass(frozen=True)
class GitlabElsewhere:
    """Everything outside a repository that a GitLab server and the network provide.

    Attributes:
        server: of the projects; None when there is none. Without a token, only its public
            projects can be read.
    """

    server: GitLabServer | None
    remote_files: RemoteFiles = field(default_factory=RemoteFiles)

    def project(self, path: str, ref: str | None) -> ProjectFiles | None:
        """Find a project at a ref or released version; None when it does not exist.

        Raises:
            SourceError: the server does not answer, or the project has no such ref.
        """
        project = self._ask(f"read {path}", lambda: self._client.projects.get(path))
        if project is None:
            return None
        version = self._released(project, ref) if ref and names_release(ref) else ""
        wanted = version or ref or project.default_branch
        commit = self._ask(f"read {path}", lambda: project.commits.get(wanted)) if wanted else None
        if commit is None:
            raise SourceError(f"Project `{path}` reference `{wanted}` does not exist!")
        repository = GitlabRepository(
            self._server, f"{self._server.url}/{project.path_with_namespace}.git"
        )
        return ProjectFiles(repository.at(commit.id), commit.id, version)

    def remote(self, url: str) -> bytes:
        """Fetch a URL.

        Raises:
            SourceError: it must not or cannot be fetched.
        """
        return self.remote_files.fetch(url)

    def template(self, name: str) -> bytes | None:
        """Return one of GitLab's templates, as this server has it; None when it does not exist.

        The API gives those that start a pipeline; the others, `Jobs/...` and the like, are read
        from the project of GitLab itself where the server has it, as gitlab.com does.
        """
        key = name.removesuffix(_ENDING)
        served = self._ask(f"read the template {name}", lambda: self._client.gitlabciymls.get(key))
        if served is not None:
            return str(served.content).encode()
        found = self.project(TEMPLATES_PROJECT, None)
        return found.files.read(f"{TEMPLATES_FOLDER}/{name}") if found else None

    def _released(self, project: Project, wanted: str) -> str:
        """Choose the newest release that `~latest`, `1` or `1.2` means; empty without one."""
        tags = self._ask(
            "list the releases of a component",
            lambda: [release.tag_name for release in project.releases.list(iterator=True)],
        )
        return newest(tags or (), wanted)

    def _ask(self, doing: str, ask: Callable[[], Answer]) -> Answer | None:
        return _or_none(self._server, doing, ask)

    @property
    def _server(self) -> GitLabServer:
        if self.server is None:
            raise SourceError("no GitLab server is set; pass one with --gitlab-url")
        return self.server

    @cached_property
    def _client(self) -> gitlab.Gitlab:
        from gitlab_ci_provider.gitlab_api.client import open_gitlab

        return open_gitlab(self._server)


def names_release(ref: str) -> bool:
    """Return whether a ref is a version of a component: `~latest`, `1`, `1.2` or `1.2.3`."""
    return ref == "~latest" or bool(_PARTIAL.match(ref) or _VERSION.match(ref))


def newest(tags: Iterable[str], wanted: str) -> str:
    """Choose the highest semantic version among tags that `wanted` allows."""
    prefix = () if wanted == "~latest" else tuple(int(n) for n in wanted.strip("v").split("."))
    found = [(tuple(int(n) for n in match.groups()), tag)
             for tag in tags if (match := _VERSION.match(tag))]  # fmt: skip
    fitting = [version for version in found if version[0][: len(prefix)] == prefix]
    return max(fitting)[1] if fitting else ""


def _or_none(server: GitLabServer, doing: str, ask: Callable[[], Answer]) -> Answer | None:
    """Ask the server; as everywhere in GitLab, not found and not allowed look the same.

    Raises:
        SourceError: it does not answer, or does not accept the token.
    """
    from gitlab_ci_provider.gitlab_api.errors import in_words

    try:
        with in_words(server, doing):
            return ask()
    except GitlabApiError as problem:
        if problem.status in (403, 404) or (problem.status == 401 and not server.token):
            return None
        raise SourceError(str(problem)) from problem

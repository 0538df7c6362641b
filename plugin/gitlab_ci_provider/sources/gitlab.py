"""Files of other projects through GitLab's API: `include:project`, `component` and `template`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from gitlab_ci_provider.config.includes.fetcher import ProjectFiles
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.remote import RemoteFiles

if TYPE_CHECKING:
    import gitlab
    from gitlab.v4.objects import Project

TEMPLATES_PROJECT = "gitlab-org/gitlab"
TEMPLATES_FOLDER = "lib/gitlab/ci/templates"
_VERSION = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)$")
Answer = TypeVar("Answer")
_PARTIAL = re.compile(r"^\d+(\.\d+)?$")


@dataclass(frozen=True)
class GitlabFiles:
    """The files of a project at a commit."""

    project: Project
    sha: str

    def read(self, path: str) -> bytes | None:
        """Return a file's contents; None when it is not there.

        Raises:
            SourceError: the server does not answer.
        """
        return _or_none(lambda: bytes(self.project.files.raw(file_path=path, ref=self.sha)))

    def paths(self) -> Sequence[str]:
        """List all files of the commit."""
        return self._paths

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        tree = self.project.repository_tree(
            ref=self.sha, recursive=True, iterator=True, per_page=100, pagination="keyset"
        )
        return tuple(entry["path"] for entry in tree if entry["type"] == "blob")


@dataclass(frozen=True)
class GitlabElsewhere:
    """Everything outside a repository that a GitLab server and the network provide.

    Attributes:
        url: of the server.
        token: for its projects; without one only public projects can be read.
    """

    url: str
    token: str = field(default="", repr=False)
    remote_files: RemoteFiles = field(default_factory=RemoteFiles)

    def project(self, path: str, ref: str | None) -> ProjectFiles | None:
        """Find a project at a ref or released version; None when it does not exist.

        Raises:
            SourceError: the server does not answer, or the project has no such ref.
        """
        project = _or_none(lambda: self._client.projects.get(path))
        if project is None:
            return None
        version = _released(project, ref) if ref and names_release(ref) else ""
        wanted = version or ref or project.default_branch
        commit = _or_none(lambda: project.commits.get(wanted))
        if commit is None:
            raise SourceError(f"Project `{path}` reference `{wanted}` does not exist!")
        return ProjectFiles(GitlabFiles(project, commit.id), commit.id, version)

    def remote(self, url: str) -> bytes:
        """Fetch a URL.

        Raises:
            SourceError: it must not or cannot be fetched.
        """
        return self.remote_files.fetch(url)

    def template(self, name: str) -> bytes | None:
        """Return one of GitLab's templates, as it is now; None when it does not exist."""
        found = self.project(TEMPLATES_PROJECT, None)
        return found.files.read(f"{TEMPLATES_FOLDER}/{name}") if found else None

    @cached_property
    def _client(self) -> gitlab.Gitlab:
        import gitlab

        if not self.url:
            raise SourceError("no GitLab server is set; pass one with --gitlab-url")
        return gitlab.Gitlab(self.url, private_token=self.token or None, timeout=30)


def names_release(ref: str) -> bool:
    """Return whether a ref is a version of a component: `~latest`, `1`, `1.2` or `1.2.3`."""
    return ref == "~latest" or bool(_PARTIAL.match(ref) or _VERSION.match(ref))


def _released(project: Project, wanted: str) -> str:
    """Choose the newest release that `~latest`, `1` or `1.2` means; empty when there is none."""
    tags = [release.tag_name for release in project.releases.list(iterator=True)]
    return newest(tags, wanted)


def newest(tags: Iterable[str], wanted: str) -> str:
    """Choose the highest semantic version among tags that `wanted` allows."""
    prefix = () if wanted == "~latest" else tuple(int(n) for n in wanted.strip("v").split("."))
    found = [(tuple(int(n) for n in match.groups()), tag)
             for tag in tags if (match := _VERSION.match(tag))]  # fmt: skip
    fitting = [version for version in found if version[0][: len(prefix)] == prefix]
    return max(fitting)[1] if fitting else ""


def _or_none(ask: Callable[[], Answer]) -> Answer | None:
    """Ask the server; as everywhere in GitLab, not found and not allowed look the same."""
    import gitlab
    import requests

    try:
        return ask()
    except gitlab.GitlabError as error:
        if error.response_code in (401, 403, 404):
            return None
        raise SourceError(f"GitLab answers {error.response_code}") from error
    except requests.RequestException as error:
        raise SourceError(f"cannot reach GitLab: {type(error).__name__}") from error

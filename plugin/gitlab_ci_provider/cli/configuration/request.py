"""Flags of `compile` and `lint` to a `PipelineContext`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from gitlab_ci_provider.cli.usage import suggestion
from gitlab_ci_provider.config.includes.fetcher import Elsewhere
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.context import MergeRequest, PipelineContext, PipelineSource
from gitlab_ci_provider.model.project import CONFIG_PATH, Project, Ref, RefKind
from gitlab_ci_provider.model.variables import Variable, Variables

if TYPE_CHECKING:
    from gitlab_ci_provider.gitlab_api.server import GitLabServer

_PATIENCE = 30.0
"""Seconds; a person waits."""

PROJECT = "group/project"
SERVER = "https://gitlab.example.com"
UNKNOWN_SHA = "0" * 39 + "1"
"""Stands for the commit of a folder that is not a checkout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked about one configuration.

    Attributes:
        path: a directory that holds `.gitlab-ci.yml`, or a configuration file.
        sha: the commit that variables are about; files are read from disk all the same.
        merge_request: its number, when it is known.
        changed: files of the push; None when there is no push diff.
        gitlab_url: where included projects are read from; None reads nothing outside.
        remote_hosts: patterns of hosts that `include:remote` may ask.
    """

    path: Path
    ref: str | None = None
    tag: str | None = None
    source: str | None = None
    sha: str | None = None
    mr_target: str | None = None
    merge_request: int | None = None
    default_branch: str = "main"
    variables: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, object] = field(default_factory=dict)
    changed: Sequence[str] | None = None
    gitlab_url: str | None = None
    remote_hosts: Sequence[str] = ()

    def place(self) -> tuple[Path, str]:
        """Return the directory that stands for the repository, and the configuration's path in it.

        That of a file is its checkout, as in GitLab, whatever *CI/CD configuration file* says; that
        of a file outside of any is the file's own.

        Raises:
            SourceError: there is neither.
        """
        if self.path.is_dir():
            return self.path, CONFIG_PATH
        if self.path.exists():
            file = self.path.absolute()
            root = next((one for one in file.parents if (one / ".git").exists()), file.parent)
            return root, file.relative_to(root).as_posix()
        raise SourceError(f"{self.path} does not exist")

    def elsewhere(self) -> Elsewhere | None:
        """Return what is outside of the repository; None when nothing there may be read."""
        if self.gitlab_url is None and not self.remote_hosts:
            return None
        from gitlab_ci_provider.sources.gitlab import GitlabElsewhere
        from gitlab_ci_provider.sources.remote import RemoteFiles

        return GitlabElsewhere(
            server=gitlab_server(self.gitlab_url) if self.gitlab_url else None,
            remote_files=RemoteFiles(hosts=tuple(self.remote_hosts)),
        )

    def context(self) -> PipelineContext:
        """Build what rules may look at."""
        folder, config_path = self.place()
        branch, sha = _head(folder)
        name = self.tag or self.ref or branch or self.default_branch
        kind = RefKind.TAG if self.tag else RefKind.BRANCH
        protected = kind is RefKind.BRANCH and name == self.default_branch
        merge_request = self.mr_target is not None or self.source == "merge_request_event"
        return PipelineContext(
            project=Project(
                path=PROJECT,
                clone_url=f"{SERVER}/{PROJECT}.git",
                web_url=f"{SERVER}/{PROJECT}",
                default_branch=self.default_branch,
                id=1,
            ),
            ref=Ref(name=name, sha=self.sha or sha, kind=kind, protected=protected),
            source=_source(self.source, merge_request=merge_request),
            variables=Variables(
                Variable(name=variable, value=value) for variable, value in self.variables.items()
            ),
            changed_paths=None if self.changed is None else frozenset(self.changed),
            target_branch=(self.mr_target or self.default_branch) if merge_request else None,
            merge_request=MergeRequest(
                iid=self.merge_request, source_branch=name, target_branch=self.mr_target
            )
            if self.merge_request and self.mr_target
            else None,
            config_path=config_path,
            inputs=self.inputs,
        )


def gitlab_server(url: str) -> GitLabServer:
    """Return a server for commands; the token is in the environment.

    Raises:
        SettingsError: the URL is not that of a server.
    """
    from gitlab_ci_provider.gitlab_api.server import GitLabServer, server_url

    token = os.environ.get("GITLAB_TOKEN", "")
    return GitLabServer(url=server_url(url), token=token, patience=_PATIENCE)


def _source(given: str | None, *, merge_request: bool) -> PipelineSource:
    if given is None:
        return "merge_request_event" if merge_request else "push"
    for source in get_args(PipelineSource):
        if source == given:
            known: PipelineSource = source
            return known
    raise SourceError(f"unknown source '{given}'{suggestion(given, get_args(PipelineSource))}")


def _head(root: Path) -> tuple[str | None, str]:
    """Read branch and commit of a checkout from its files, without git and without guessing."""
    folder = root / ".git"
    head = _line_of(folder / "HEAD")
    branch = head.removeprefix("ref: refs/heads/")
    if branch == head:
        return None, head or UNKNOWN_SHA
    sha = "" if ".." in branch else _line_of(folder / "refs" / "heads" / branch)
    return branch, sha or UNKNOWN_SHA


def _line_of(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""

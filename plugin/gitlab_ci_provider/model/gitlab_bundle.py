"""Which projects a DAG bundle shows: what its `kwargs` say in Airflow's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.found_project import FoundProject
from gitlab_ci_provider.model.serialization import convert

DEFAULT, PROTECTED, TAGS, MERGE_REQUESTS = "default", "protected", "tags", "merge_requests"
"""Kinds of refs; every other entry of `refs` is a pattern of names of branches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitlabBundle:
    """The projects of a bundle.

    Attributes:
        gitlab_conn_id: Airflow connection of the GitLab; empty with `urls` alone.
        groups: paths of groups, with all below them.
        projects: paths or numbers of projects.
        topics: only projects that have all of these.
        include: patterns of paths; without any, all projects are shown.
        exclude: patterns of paths of projects that are not shown.
        refs: which get a DAG of their own if their jobs differ from the default branch's.
        config_path: instead of the one that each project has set in GitLab.
        urls: git repositories, read without GitLab's API.
        sync_interval: seconds between two looks at the server.
    """

    name: str
    gitlab_conn_id: str = "gitlab_default"
    groups: tuple[str, ...] = ()
    projects: tuple[str | int, ...] = ()
    topics: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    refs: tuple[str, ...] = (DEFAULT,)
    config_path: str = ""
    urls: tuple[str, ...] = ()
    sync_interval: int = 60

    @property
    def asks_api(self) -> bool:
        """Whether projects are found by GitLab's API."""
        return not self.urls or bool(self.groups or self.projects or self.topics)

    def takes(self, project: FoundProject) -> bool:
        """Return whether the bundle shows a project."""
        return (
            project.active
            and set(self.topics) <= set(project.topics)
            and (not self.include or _matches(project.path, self.include))
            and not _matches(project.path, self.exclude)
        )

    def takes_branch(self, name: str) -> bool:
        """Return whether a pattern of `refs` names a branch."""
        kinds = {DEFAULT, PROTECTED, TAGS, MERGE_REQUESTS}
        return _matches(name, tuple(ref for ref in self.refs if ref not in kinds))


def read_bundle(name: str, kwargs: Mapping[str, Any]) -> GitlabBundle:
    """Read the `kwargs` of a bundle.

    Raises:
        SettingsError: one of them is unknown, or not what it should be.
    """
    known = [field.name for field in fields(GitlabBundle) if field.name != "name"]
    unknown = sorted(set(kwargs).difference(known))
    if unknown:
        words = f"the DAG bundle '{name}' has no {', '.join(unknown)}: it takes {', '.join(known)}"
        raise SettingsError(words)
    try:
        return convert({**kwargs, "name": name}, GitlabBundle)
    except msgspec.ValidationError as problem:
        raise SettingsError(f"kwargs of the DAG bundle '{name}': {problem}") from problem


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)

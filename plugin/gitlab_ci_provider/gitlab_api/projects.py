"""The projects of a GitLab as its API lists them: a request for each hundred of them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.exceptions import GitlabApiError
from gitlab_ci_provider.gitlab_api.client import open_gitlab
from gitlab_ci_provider.gitlab_api.errors import in_words
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.model.found_project import FoundProject
from gitlab_ci_provider.model.gitlab_bundle import GitlabBundle
from gitlab_ci_provider.model.project import is_project_path
from gitlab_ci_provider.model.quoted import quoted

if TYPE_CHECKING:
    import gitlab

_log = logging.getLogger(__name__)

_PAGES = {"order_by": "id", "sort": "asc", "archived": False, "per_page": 100}
"""In the order of their numbers, a new project moves none of the others to another page."""

_WEB_URL = re.compile(r"https?://[^\s<>\"\x00-\x1f\x7f]+")
"""What people's browsers and documentation in Markdown may get."""


@dataclass(frozen=True)
class ServerProjects:
    """The projects of a bundle on a server.

    Attributes:
        server: that is asked.
        bundle: says which projects.
    """

    server: GitLabServer
    bundle: GitlabBundle

    def all(self) -> dict[str, FoundProject]:
        """Find all projects of the bundle, by key, and the groups that GitLab does not list.

        Raises:
            GitlabApiError: GitLab refuses or does not answer; then none may be taken for deleted.
        """
        found = self._listed()
        return {one.key: one for one in found if one.problem or self.bundle.takes(one)}

    def one(self, name: str | int) -> FoundProject | None:
        """Find one project by its path or number, if the bundle has it.

        Raises:
            GitlabApiError: GitLab refuses or does not answer.
        """
        found = self.seen(name)
        return found if found and self._is_below(found) and self.bundle.takes(found) else None

    def seen(self, name: str | int) -> FoundProject | None:
        """Find a project, whether the bundle has it or not; None when there is none."""
        try:
            with in_words(self.server, f"read the project {name}"):
                return self._found(self._client.projects.get(name).attributes)
        except GitlabApiError as problem:
            if problem.status == 404:
                return None
            raise

    def protected_branches(self, project: FoundProject) -> list[str]:
        """List the names of a project's protected branches; raises as `all`."""
        with in_words(self.server, f"list the branches of {project.path}"):
            listed = self._client.projects.get(project.id, lazy=True).branches
            return [branch.name for branch in listed.list(iterator=True) if branch.protected]

    def merge_requests(self, project: FoundProject) -> list[int]:
        """List the numbers of a project's open merge requests; raises as `all`."""
        with in_words(self.server, f"list the merge requests of {project.path}"):
            listed = self._client.projects.get(project.id, lazy=True).mergerequests
            return [int(found.iid) for found in listed.list(iterator=True, state="opened")]

    def _listed(self) -> Iterator[FoundProject]:
        bundle, topics = self.bundle, {"topic": ",".join(self.bundle.topics)}
        asked = {**_PAGES, **(topics if bundle.topics else {})}
        for group in bundle.groups:
            try:
                yield from self._below(group, asked)
            except GitlabApiError as problem:
                if not _is_about_group(problem) or group.isdigit():  # what is below it is not known
                    raise
                yield self._unlisted(group, problem)
        for name in bundle.projects:
            named = self.seen(name)
            if named is not None:
                yield named
            else:
                _log.warning("GitLab at %s does not know the project %s", self.server.url, name)
        if not bundle.groups and not bundle.projects:
            with in_words(self.server, "list projects"):
                mine = {**asked, "membership": True, "pagination": "keyset"}
                for listed in self._client.projects.list(iterator=True, **mine):
                    yield self._found(listed.attributes)

    def _below(self, group: str, asked: Mapping[str, Any]) -> Iterator[FoundProject]:
        with in_words(self.server, f"list the projects of {group}"):
            below = self._client.groups.get(group, lazy=True).projects
            for found in below.list(iterator=True, include_subgroups=True, **asked):
                yield self._found(found.attributes)

    def _unlisted(self, group: str, problem: GitlabApiError) -> FoundProject:
        words = f"{problem}. Its projects keep their DAGs, and no new ones appear"
        if problem.status == 404:
            words += f"; if it was renamed or deleted, change `groups` of '{self.bundle.name}'"
        return FoundProject(
            key=f"group {group}", path=group, clone_url=f"{self.server.url}/{group}", problem=words
        )

    def _is_below(self, found: FoundProject) -> bool:
        bundle = self.bundle
        if not bundle.groups and not bundle.projects:
            return True
        named = {str(name) for name in bundle.projects}
        below = any(found.path.startswith(f"{group}/") for group in bundle.groups)
        return below or found.path in named or str(found.id) in named

    def _found(self, listed: Mapping[str, Any]) -> FoundProject:
        path = str(listed["path_with_namespace"])
        if not is_project_path(path):
            words = f"lists the project '{quoted(path)}', a path that no GitLab has"
            raise GitlabApiError(f"GitLab at {self.server.url} {words}")
        web_url = f"{self.server.url}/{path}"
        shown = str(listed.get("web_url"))
        return FoundProject(
            key=str(listed["id"]),
            path=path,
            clone_url=f"{web_url}.git",  # instances are reached by other names than their own
            web_url=shown if _WEB_URL.fullmatch(shown) else web_url,
            id=int(listed["id"]),
            gitlab_conn_id=self.bundle.gitlab_conn_id,
            default_branch=str(listed.get("default_branch") or ""),
            config_path=str(listed.get("ci_config_path") or ""),
            activity=str(listed.get("last_activity_at") or ""),
            topics=tuple(map(str, listed.get("topics") or ())),
            active=_is_active(listed),
        )

    @cached_property
    def _client(self) -> gitlab.Gitlab:
        return open_gitlab(self.server)


def _is_about_group(problem: GitlabApiError) -> bool:
    """Return whether GitLab may still list other groups; a bad token or silence is about all."""
    status = problem.status or 0
    return status in {403, 404} or status >= 500


def _is_active(listed: Mapping[str, Any]) -> bool:
    return not (
        listed.get("archived")
        or listed.get("marked_for_deletion_on")
        or listed.get("builds_access_level") == "disabled"
    )

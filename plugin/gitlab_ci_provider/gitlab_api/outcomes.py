"""Deployments, releases and comments: what a pipeline leaves in its project.

GitLab has no key by which something that was created can be told from something that is created
again. So each of these looks first, and what is there already is not made a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gitlab_ci_provider.exceptions import GitlabApiError
from gitlab_ci_provider.gitlab_api.errors import in_words
from gitlab_ci_provider.gitlab_api.server import GitLabServer, project_path
from gitlab_ci_provider.model.environment import JobEnvironment
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.model.release import Release

if TYPE_CHECKING:
    import gitlab

_SKEW = timedelta(minutes=1)
"""By which the clocks of GitLab and of a worker may differ."""

_LOOKED_AT = 20
"""The newest deployments of an environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """A project that is told what a pipeline has left.

    Attributes:
        project: its path.
        id: GitLab's number of it; 0 when it is not known.
    """

    client: gitlab.Gitlab
    server: GitLabServer
    project: str
    id: int = 0

    def deployed(self, environment: JobEnvironment, ref: Ref, status: str, since: datetime) -> bool:
        """Create a deployment and update its environment; returns whether it was not there.

        Args:
            environment: that was deployed to; GitLab makes it if it is new.
            ref: and the commit that was deployed.
            status: `success` or `failed`.
            since: when the job, or its pipeline, began.

        Raises:
            GitlabApiError: GitLab refuses or does not answer.
        """
        asked = {"environment": environment.name, "order_by": "id", "sort": "desc"}
        with in_words(self.server, f"list the deployments of {self.project}"):
            newest = self.client.http_list(
                self._path("deployments"), {**asked, "per_page": _LOOKED_AT}, page=1
            )
        if any(_is_same(entry, ref.sha, status, since) for entry in list(newest)):
            return False
        data = {
            "environment": environment.name,
            "sha": ref.sha,
            "ref": ref.name,
            "tag": ref.kind is RefKind.TAG,
            "status": status,
        }
        with in_words(self.server, f"create a deployment to {environment.name} in {self.project}"):
            made = self.client.http_post(self._path("deployments"), post_data=data)
        self._describe(made, environment)
        return True

    def stopped(self, environment: JobEnvironment) -> bool:
        """Stop an environment without its `on_stop` job, which has just run; False if it is not up.

        Raises:
            GitlabApiError: GitLab refuses or does not answer.
        """
        with in_words(self.server, f"stop the environment {environment.name} of {self.project}"):
            asked = {"name": environment.name}
            found = list(self.client.http_list(self._path("environments"), asked, page=1))
            running = [entry for entry in found if entry.get("state") == "available"]
            for entry in running:
                path = self._path(f"environments/{int(entry['id'])}/stop")
                self.client.http_post(path, post_data={"force": True})
        return bool(running)

    def released(self, release: Release, ref: Ref) -> bool:
        """Create a release; False when the tag has one.

        Raises:
            GitlabApiError: GitLab refuses or does not answer.
        """
        links = [
            {"name": link.name, "url": link.url, "link_type": link.link_type}
            | ({"direct_asset_path": link.filepath} if link.filepath else {})
            for link in release.links
        ]
        data: dict[str, Any] = {
            "tag_name": release.tag_name,
            "name": release.name,
            "description": self._text(release.description, ref),
            "ref": release.ref or ref.sha,
            "tag_message": release.tag_message,
            "milestones": list(release.milestones),
            "released_at": release.released_at,
            "assets": {"links": links} if links else None,
        }
        given = {name: value for name, value in data.items() if value}
        try:
            with in_words(self.server, f"create the release {release.tag_name} of {self.project}"):
                self.client.http_post(self._path("releases"), post_data=given)
        except GitlabApiError as problem:
            if problem.status != 409:
                raise
            return False
        return True

    def commented(self, merge_request: int, marker: str, text: str) -> None:
        """Write a comment on a merge request, in place of our last one with the same marker.

        Raises:
            GitlabApiError: GitLab refuses or does not answer.
        """
        path = self._path(f"merge_requests/{merge_request}/notes")
        with in_words(self.server, f"comment on !{merge_request} of {self.project}"):
            notes = self.client.http_list(path, {"per_page": 100, "sort": "asc"}, iterator=True)
            marked = [note for note in notes if str(note.get("body", "")).startswith(marker)]
            # Anybody can write the marker; a maintainer's token could change their comment.
            me = self.client.http_get("/user") if marked else {}
            mine = [note for note in marked if _author(note) == _id(me)]
            body = {"body": f"{marker}\n{text}"}
            if mine:
                self.client.http_put(f"{path}/{int(mine[0]['id'])}", post_data=body)
            else:
                self.client.http_post(path, post_data=body)

    def _describe(self, made: Any, environment: JobEnvironment) -> None:
        """Give the environment the address and tier that the job says, where they differ.

        What it does not say stays: GitLab has guessed the tier, or a person has set it.
        """
        known = made.get("environment") if isinstance(made, dict) else None
        if not isinstance(known, dict):
            return
        wanted = {"url": ("external_url", environment.url), "tier": ("tier", environment.tier)}
        said = [wanted[name] for name in environment.says]
        changed = {name: value for name, value in said if value and known.get(name) != value}
        if changed:
            path = self._path(f"environments/{int(known['id'])}")
            with in_words(self.server, f"update the environment {environment.name}"):
                self.client.http_put(path, post_data=changed)

    def _text(self, description: str, ref: Ref) -> str:
        """Return a release's description; what names a file of the commit stands for its contents.

        Unlike GitLab, which looks for the file where the job has run.
        """
        if "\n" in description or " " in description or "." not in description:
            return description
        file = f"repository/files/{quote(description, safe='')}/raw"
        try:
            with in_words(self.server, f"read {description}"):
                answer = self.client.http_get(self._path(file), {"ref": ref.sha}, raw=True)
        except GitlabApiError as problem:
            if problem.status not in {400, 404}:
                raise
            return description
        return str(getattr(answer, "text", "")) or description

    def _path(self, rest: str) -> str:
        return f"{project_path(self.id, self.project)}/{rest}"


def _is_same(entry: Any, sha: str, status: str, since: datetime) -> bool:
    if entry.get("sha") != sha or entry.get("status") != status:
        return False
    try:
        made = datetime.fromisoformat(str(entry.get("created_at")))
    except ValueError:
        return True
    return made >= since - _SKEW


def _author(note: Any) -> int:
    return _id(note.get("author"))


def _id(user: Any) -> int:
    return int(user.get("id") or 0) if isinstance(user, dict) else 0

"""Statuses of commits, as other systems than GitLab's own CI report them.

Source: GitLab's `Ci::CreateCommitStatusService`. A status that runs or waits is found by its name,
ref and user, and changed; one that has ended is not, so that the same end sent twice makes a second
job. A change that leads nowhere, from running to running, is refused with 400. Statuses of one
commit are changed one after another; who waits for longer than ten seconds is refused with 409.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.exceptions import GitlabApiError
from gitlab_ci_provider.gitlab_api.client import open_gitlab
from gitlab_ci_provider.gitlab_api.errors import in_words
from gitlab_ci_provider.gitlab_api.server import GitLabServer, project_path
from gitlab_ci_provider.model.report import CommitState, CommitStatus

if TYPE_CHECKING:
    import gitlab

    from gitlab_ci_provider.model.log import Log

_LONGEST = 255
"""Characters of a name, an address and a description; GitLab refuses more."""

_BUSY_TRIES, _BUSY_SECONDS = 5, 2.0
_NO_WAY = "Cannot transition status"
_OPEN = frozenset({CommitState.PENDING, CommitState.RUNNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A status that GitLab has; `pipeline` is GitLab's number."""

    state: str
    url: str
    pipeline: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it runs or waits."""
        return self.state in _OPEN

    def says(self, wanted: CommitStatus) -> bool:
        """Return whether it is the wanted one."""
        return self.state == wanted.state and self.url == address(wanted.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatuses:
    """The statuses of one commit.

    Attributes:
        project: its path.
        id: GitLab's number of the project: GitLab takes nothing for the old path of one that was
            renamed. 0 when it is not known.
        pipeline: GitLab's number of the pipeline to add to; 0 leaves that to GitLab.
    """

    client: gitlab.Gitlab
    server: GitLabServer
    project: str
    sha: str
    ref: str
    id: int = 0
    pipeline: int = 0
    sleep: Callable[[float], None] = time.sleep

    def post(self, status: CommitStatus) -> int | None:
        """Set a status; returns GitLab's number of its pipeline, None if it is past that state.

        Raises:
            GitlabApiError: GitLab refuses or does not answer.
        """
        for left in reversed(range(_BUSY_TRIES)):
            try:
                return self._posted(status)
            except GitlabApiError as problem:
                if _NO_WAY in str(problem):
                    return None
                if problem.status != 409 or not left:
                    raise
                self.sleep(random.uniform(0, _BUSY_SECONDS))  # noqa: S311 - spreads, hides nothing
        raise AssertionError("unreachable")

    def known(self) -> dict[str, Known]:
        """Read the latest status of each name, a request for each 100.

        Raises:
            GitlabApiError: GitLab refuses or does not answer.
        """
        path = f"{project_path(self.id, self.project)}/repository/commits/{self.sha}/statuses"
        asked = {"ref": self.ref, "per_page": 100}
        with in_words(self.server, f"list the statuses of a commit of {self.project}"):
            found = list(self.client.http_list(path, asked, iterator=True))
        ordered = sorted(found, key=lambda entry: int(entry["id"]))
        return {str(entry["name"]): _read(entry) for entry in ordered}

    def settle(self, wanted: Iterable[CommitStatus]) -> int:
        """Send what GitLab does not have yet; returns how many.

        Raises:
            GitlabApiError: GitLab refuses or does not answer.
        """
        known, sent = self.known(), 0
        for status in wanted:
            there = known.get(shortened(status.name))
            if there is None or not there.says(status):
                self.post(status)
                sent += 1
        return sent

    def _posted(self, status: CommitStatus) -> int:
        data: dict[str, Any] = {
            "state": str(status.state),
            "name": shortened(status.name),
            "ref": self.ref,
            "target_url": address(status.url) or None,
            "description": shortened(status.description) or None,
            "coverage": status.coverage,
            "pipeline_id": self.pipeline or None,
        }
        given = {name: value for name, value in data.items() if value is not None}
        path = f"{project_path(self.id, self.project)}/statuses/{self.sha}"
        with in_words(self.server, f"set the status '{shortened(status.name)}' in {self.project}"):
            answer = self.client.http_post(path, post_data=given)
        return int(answer.get("pipeline_id") or 0) if isinstance(answer, dict) else 0


def commit_statuses(
    server: GitLabServer, project: str, log: Log, *, sha: str, ref: str, pipeline: int = 0
) -> CommitStatuses:
    """Make the client for the statuses of a commit; nothing is asked yet.

    Raises:
        SettingsError: the connection names a file that is not there.
    """
    client = open_gitlab(server, log)
    return CommitStatuses(
        client=client, server=server, project=project, sha=sha, ref=ref, pipeline=pipeline
    )


def address(url: str) -> str:
    """Return what GitLab takes as an address: for a job also that of its pipeline, or none."""
    for shorter in (url, url.partition("?")[0]):
        if shorter.startswith(("http://", "https://")) and len(shorter) <= _LONGEST:
            return shorter
    return ""


def _read(entry: dict[str, Any]) -> Known:
    return Known(
        state=str(entry.get("status")),
        url=str(entry.get("target_url") or ""),
        pipeline=int(entry.get("pipeline_id") or 0),
    )


def shortened(text: str) -> str:
    """Return what GitLab takes as a name or description."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

"""A project as a server lists it, before anything of it was read."""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.model.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundProject:
    """A project that was found.

    Attributes:
        key: names it for ever: GitLab's number, or the URL of a plain git repository.
        default_branch: empty when there is no commit.
        config_path: its setting in GitLab; empty when it has none.
        activity: when something was last done in it, ISO 8601; empty when that is not known.
        active: it is not archived, about to be deleted, or without CI/CD.
        problem: why it could not be found; then it may stand for a group, with all below its path.
    """

    key: str
    path: str
    clone_url: str
    web_url: str = ""
    id: int = 0
    gitlab_conn_id: str = ""
    default_branch: str = ""
    config_path: str = ""
    activity: str = ""
    topics: tuple[str, ...] = ()
    active: bool = True
    problem: str = ""

    @property
    def project(self) -> Project:
        """What pipelines know of it."""
        return Project(
            path=self.path,
            clone_url=self.clone_url,
            default_branch=self.default_branch,
            web_url=self.web_url,
            id=self.id,
            gitlab_conn_id=self.gitlab_conn_id,
        )

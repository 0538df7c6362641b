"""Which project of which GitLab a repository is, and what its connection lets us do there.

The first connection for the repository's server counts that is of the type `gitlab`: the one that
a DAG bundle found the project with, then those of `[gitlab_ci] git_conn_ids`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.gitlab_api.server import PATIENCE, GitLabServer, path_on
from gitlab_ci_provider.hooks.git_login import conn_ids_of, connections_for
from gitlab_ci_provider.hooks.gitlab import CONN_TYPE, choice, flag, server_of
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.model.report import ReportLevel

if TYPE_CHECKING:
    from airflow.sdk import Connection


class VariableLevels(StrEnum):
    """Which CI/CD variables are read from GitLab, in the connection's extra `variables`."""

    NONE = "none"
    PROJECT = "project"
    GROUPS = "project and groups"
    ALL = "project, groups and instance"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabProject:
    """A project of a GitLab.

    Attributes:
        conn_id: of the connection.
        path: as GitLab knew it when the project was found.
        id: GitLab's number of it, which stays when it is renamed; 0 when that is not known.
        levels: of variables that are read.
        report: how much GitLab is told.
        comments: merge requests get a comment.
    """

    conn_id: str
    server: GitLabServer
    path: str
    id: int = 0
    levels: VariableLevels = VariableLevels.NONE
    report: ReportLevel = ReportLevel.NONE
    comments: bool = False


def gitlab_project(
    project: Project, conn_ids: str, patience: float = PATIENCE
) -> GitLabProject | None:
    """Find the project that a repository is; None when it is on no GitLab with a connection.

    Args:
        project: with its clone URL.
        conn_ids: of connections, separated by commas.
        patience: for how many seconds requests without an answer are repeated.

    Raises:
        SettingsError: a connection does not say which server it is for, or is wrong.
    """
    for connection in connections_for(project.clone_url, conn_ids_of(project, conn_ids)):
        if connection.conn_type == CONN_TYPE:
            return _described(project, connection, patience)
    return None


def _described(project: Project, connection: Connection, patience: float) -> GitLabProject:
    extra: dict[str, Any] = connection.extra_dejson
    server, name = server_of(connection, patience), str(connection.conn_id)
    return GitLabProject(
        conn_id=name,
        server=server,
        path=path_on(server, project.clone_url),
        id=project.id if name == project.gitlab_conn_id else 0,
        levels=choice(name, "variables", extra, VariableLevels.NONE),
        report=choice(name, "report", extra, ReportLevel.NONE),
        comments=flag(name, "comments", extra),
    )

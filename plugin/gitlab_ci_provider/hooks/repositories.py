"""Repositories, opened by tasks with logins from Airflow's connections."""

from __future__ import annotations

from gitlab_ci_provider.config.includes.fetcher import Elsewhere
from gitlab_ci_provider.hooks.git_login import conn_ids_of, git_login, gitlab_of
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.sources.open_repository import open_repository
from gitlab_ci_provider.sources.repository import Repository


def repository_of(url: str, settings: Settings, project: Project) -> Repository:
    """Open a repository.

    Args:
        url: of the project or of one on the same server.
        settings: name connections for git servers.
        project: its own connection counts first.

    Raises:
        SettingsError: a connection does not say which server it is for.
    """
    names = conn_ids_of(project, settings.git_conn_ids)
    server = gitlab_of(url, names)
    return open_repository(url, settings.mirrors, server, lambda at: git_login(at, names))


def elsewhere(project: Project, settings: Settings) -> Elsewhere:
    """Return what a project's pipeline may include from outside its repository.

    From a GitLab with a connection of its type by its API, which knows the releases of components
    and the server's templates; from any other git server by git.
    """
    from gitlab_ci_provider.sources.gitlab import GitlabElsewhere  # only what compiles needs it
    from gitlab_ci_provider.sources.neighbours import Neighbours
    from gitlab_ci_provider.sources.remote import RemoteFiles

    files = RemoteFiles(hosts=settings.allowed_hosts)
    server = gitlab_of(project.clone_url, conn_ids_of(project, settings.git_conn_ids))
    if server is not None:
        return GitlabElsewhere(server, files)
    return Neighbours(project, lambda url: repository_of(url, settings, project), files)

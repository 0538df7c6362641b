"""The mirrors of repositories, opened by tasks with logins from Airflow's connections."""

from __future__ import annotations

from gitlab_ci_provider.config.includes.fetcher import Elsewhere
from gitlab_ci_provider.hooks.git_login import git_login
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.sources.git import Mirror


def open_mirror(url: str, settings: Settings) -> Mirror:
    """Open the mirror of a repository.

    Raises:
        SettingsError: a connection does not say which server it is for.
    """
    return Mirror.open(settings.mirrors, url, git_login(url, settings.git_conn_ids))


def elsewhere(project: Project, settings: Settings) -> Elsewhere:
    """Return what a project's pipeline may include from outside its repository."""
    from gitlab_ci_provider.sources.neighbours import Neighbours  # only what compiles needs it
    from gitlab_ci_provider.sources.remote import RemoteFiles

    files = RemoteFiles(hosts=settings.allowed_hosts)
    return Neighbours(project, lambda url: open_mirror(url, settings), files)

"""The mirrors of repositories, as tasks open them: with the login that Airflow keeps."""

from __future__ import annotations

from gitlab_ci_provider.hooks.git_login import git_login
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.sources.git import Mirror


def open_mirror(url: str, settings: Settings) -> Mirror:
    """Open the mirror of a repository.

    Raises:
        SettingsError: a connection does not say which server it is for.
    """
    return Mirror.open(settings.mirrors, url, git_login(url, settings.git_conn_ids))

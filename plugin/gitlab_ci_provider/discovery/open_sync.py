"""What syncs single repositories, with the state and the connections of an installation.

Airflow is imported only to find the login for a server: a folder of this machine needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gitlab_ci_provider.discovery.sync import Sync
from gitlab_ci_provider.hooks.runners import slots_for_sync
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state

if TYPE_CHECKING:
    from gitlab_ci_provider.gitlab_api.server import GitLabServer
    from gitlab_ci_provider.model.git_login import GitLogin


def open_sync(settings: Settings, conn_ids: str = "") -> Sync:
    """Open it.

    Args:
        settings: of the installation.
        conn_ids: connections that count before those of the settings.
    """
    names = f"{conn_ids},{settings.git_conn_ids}"

    def login(url: str) -> GitLogin | None:
        if not _is_served(url):
            return None
        from gitlab_ci_provider.hooks.git_login import git_login

        return git_login(url, names)

    def gitlab(url: str) -> GitLabServer | None:
        if not _is_served(url):
            return None
        from gitlab_ci_provider.hooks.git_login import gitlab_of

        return gitlab_of(url, names)

    return Sync(
        open_state(settings),
        settings.mirrors,
        logins=login,
        gitlab=gitlab,
        include_hosts=settings.allowed_hosts,
        slotted=slots_for_sync(settings),
    )


def _is_served(url: str) -> bool:
    return urlsplit(url).scheme in {"http", "https"}

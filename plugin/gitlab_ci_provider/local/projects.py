"""Adds repositories to the stack: synced, with a DAG file that Airflow reads."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from gitlab_ci_provider.discovery.open_sync import open_sync
from gitlab_ci_provider.discovery.repositories import clone_url
from gitlab_ci_provider.discovery.sync import SyncResult
from gitlab_ci_provider.exceptions import SourceError, StackError
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.settings import home_settings
from gitlab_ci_provider.snapshots.dag_files import write_dag_files


def add_project(home: Home, location: str, ref: str | None = None, sha: str = "") -> SyncResult:
    """Sync a repository, or a ref or commit of it, and write its DAG file.

    What is wrong is in the result's diagnostics.

    Raises:
        StackError: the repository is in the stack's own folder, which no job can see.
    """
    if _is_inside(home, location):
        raise StackError(
            f"{location} is inside {home.path}, which holds the stack's secrets and is hidden from"
            " jobs: move the repository, or set GITLAB_DAGS_HOME to another folder"
        )
    sync = open_sync(home_settings(home.data))
    result = sync.one(location, ref, sha)
    write_dag_files(sync.state.snapshots, home.dags)
    return result


def _is_inside(home: Home, location: str) -> bool:
    try:
        url = urlsplit(clone_url(location))
    except (SourceError, ValueError):
        return False  # reported by the sync
    path = Path(unquote(url.path))
    return url.scheme == "file" and path.is_relative_to(home.path.resolve())

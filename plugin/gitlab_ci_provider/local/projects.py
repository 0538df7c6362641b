"""Repositories into the stack: synced, given a DAG file, seen by Airflow."""

from __future__ import annotations

from gitlab_ci_provider.discovery.sync import Sync, SyncResult
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.settings import home_settings
from gitlab_ci_provider.snapshots.dag_files import write_dag_files
from gitlab_ci_provider.state import open_state


def add_project(home: Home, location: str, ref: str | None = None, sha: str = "") -> SyncResult:
    """Sync a repository, or a ref or commit of it, and write its DAG file.

    What is wrong is in the result's diagnostics.
    """
    settings = home_settings(home.data)
    state = open_state(settings)
    sync = Sync(state, settings.mirrors, include_hosts=settings.allowed_hosts)
    result = sync.one(location, ref, sha)
    write_dag_files(state.snapshots, home.dags)
    return result

"""Syncs a project because somebody has asked for it on the page, as a webhook does after a push."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from gitlab_ci_provider.airflow_internals.api_server import ask_for_look
from gitlab_ci_provider.discovery.open_sync import open_sync
from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.plugins.page.projects import forget_versions
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.snapshots.dag_files import write_dag_files
from gitlab_ci_provider.state import open_state

_AT_ONCE = 2
"""Syncs take processor time from the API server."""

_turns = threading.BoundedSemaphore(_AT_ONCE)


class BusyError(GitlabCiError):
    """Others are syncing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncedView:
    """What a sync has come to, in a sentence."""

    ok: bool
    text: str


def sync_now(dag_id: str) -> SyncedView:
    """Fetch and compile the default branch of a project, and have Airflow look at its DAG.

    Raises:
        BusyError: other projects are being synced.
        StateError: there is no such project, or the state cannot be reached.
    """
    if not _turns.acquire(blocking=False):
        raise BusyError("Other projects are being synced. Try again in a minute.")
    try:
        return _synced(dag_id)
    finally:
        _turns.release()


def _synced(dag_id: str) -> SyncedView:
    settings = load_settings()
    snapshots = open_state(settings).snapshots
    known = snapshots.load_dag(dag_id)
    sync = replace(open_sync(settings), config_path=known.config_path)
    result = sync.one(known.project.clone_url)
    if settings.dag_files is not None:
        write_dag_files(snapshots, settings.dag_files)
    forget_versions()
    ask_for_look(dag_id)
    if not result.ok:
        first = next(iter(result.diagnostics), None)
        return SyncedView(ok=False, text=f"{first}" if first else "The project has no pipeline.")
    sha = result.record.ref.sha[:8] if result.record else ""
    return SyncedView(ok=True, text=f"Synced at {sha}. Airflow reads the DAG next.")

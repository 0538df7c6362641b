"""The DAGs of the state, for machines that share no folder.

Airflow's DAG processor refreshes the bundle, and each worker initializes it before a task: then
what the state says is copied to this machine, so that parsing a DAG file needs no network. A DAG
processor copies what has changed, a worker the one DAG whose task it is about to run.

A version is a moment, see `snapshots/versions.py`: for a run of an earlier one, a worker copies the
DAG as it was then. Runs that have not ended keep their jobs in any case, see `snapshots/holds.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion
from airflow.sdk import get_parsing_context

from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.snapshots.dag_copies import Copied, DagCopies
from gitlab_ci_provider.snapshots.versions import version_of
from gitlab_ci_provider.state import State, open_copies, open_state, open_state_for_people


class StateDagBundle(BaseDagBundle):
    """Copies the DAGs of the state to this machine.

    Args:
        kwargs: those of every bundle: `name`, and `refresh_interval` in seconds.
    """

    supports_versioning = True

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._seen: dict[str, Copied] = {}

    @property
    def path(self) -> Path:
        """Folder of the DAG files."""
        base = Path(self.versions_dir) / self.version if self.version else Path(self.base_dir)
        return base / "dags"

    def get_current_version(self) -> BundleVersion | None:
        """Name the version that was copied last; None when nothing was copied yet."""
        name = version_of({dag: copied.changed_at for dag, copied in self._seen.items()})
        return BundleVersion(version=name, data=None) if name else None

    def initialize(self) -> None:
        """Copy the DAG of the task that is about to run on this worker, as its version has it.

        Raises:
            StateError: the state cannot be read, or has no such DAG or version.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        wanted, copies = get_parsing_context().dag_id, self._copies(open_state(load_settings()))
        if self.version:
            copies.earlier(self.version, wanted or "")
        elif wanted:
            copies.one(wanted)
        super().initialize()

    def refresh(self) -> None:
        """Copy what has changed, and remove what is gone.

        Raises:
            StateError: the state cannot be read, or is not there: all copies stay as they are.
        """
        # The DAG processor forks a process for each file, which has what is imported before.
        import gitlab_ci_provider.renderer.load
        import gitlab_ci_provider.renderer.timetable  # noqa: F401

        # Which parses no files meanwhile, and is soon back: it waits for seconds only.
        state = open_state_for_people(load_settings())
        with self.lock():
            self._seen = self._copies(state).changed(self._seen, self._wanted(state))

    def _wanted(self, state: State) -> frozenset[str] | None:  # noqa: ARG002 - for subclasses
        """Name the projects' DAGs that are shown; None shows all."""
        return None

    def _copies(self, state: State) -> DagCopies:
        local = open_copies(load_settings())
        return DagCopies(shared=state.snapshots, local=local, folder=self.path)

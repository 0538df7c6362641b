"""The state of an installation: what one process leaves for others and for later runs.

This is the one place that decides where state is stored; everything else receives a `State`, or
the part of it that it needs.
"""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.records.cancellations import Cancellations
from gitlab_ci_provider.records.environments import Environments
from gitlab_ci_provider.records.folder import FolderStore
from gitlab_ci_provider.records.installation import Installation
from gitlab_ci_provider.records.register import Register
from gitlab_ci_provider.records.uses import Uses
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.store import SnapshotStore


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state of an installation, opened.

    Attributes:
        snapshots: compiled pipelines, records of runs, and what each DAG shows.
        holds: which runs hold which DAG.
        register: the numbers and results of all pipelines.
        environments: where each project is deployed.
        cancellations: orders to cancel jobs.
        installation: which one this is, where several share a cluster.
        uses: when jobs last used which caches and artifacts.
        expire_in: seconds after which what runs have stored counts as unused.
    """

    snapshots: SnapshotStore
    holds: Holds
    register: Register
    environments: Environments
    cancellations: Cancellations
    installation: Installation
    uses: Uses
    expire_in: float

    def unused_before(self) -> float:
        """Return the time before which the last use is too long ago, in seconds since 1970."""
        return self.snapshots.clock() - self.expire_in


def open_state(settings: Settings) -> State:
    """Open the state of an installation. Opening reads and creates nothing."""
    records = FolderStore(settings.state)
    snapshots = SnapshotStore(records)
    return State(
        snapshots=snapshots,
        holds=Holds(snapshots),
        register=Register(records),
        environments=Environments(records),
        cancellations=Cancellations(records),
        installation=Installation(records),
        uses=Uses(records),
        expire_in=settings.child_dags_expire_in,
    )

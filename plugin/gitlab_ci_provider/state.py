"""The state of an installation: what one process leaves for others and for later runs.

This is the one place that decides where state is stored: in a folder, or in an object store, of
which each machine has copies. Everything else receives a `State`, or the part of it that it needs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.records.bucket import BucketStore
from gitlab_ci_provider.records.cancellations import Cancellations
from gitlab_ci_provider.records.copies import CopiedStore
from gitlab_ci_provider.records.discovered import Discovered
from gitlab_ci_provider.records.environments import Environments
from gitlab_ci_provider.records.events import Events
from gitlab_ci_provider.records.folder import FolderStore
from gitlab_ci_provider.records.installation import Installation
from gitlab_ci_provider.records.patience import Patience
from gitlab_ci_provider.records.probe import check_once
from gitlab_ci_provider.records.register import Register
from gitlab_ci_provider.records.reports import Reports
from gitlab_ci_provider.records.store import RecordStore
from gitlab_ci_provider.records.uses import Uses
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.leftovers import Leftovers
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.storage.conditional import ConditionalObjects

_NOT_COPIED = (
    "this machine has no copy of it. The DAG bundle `gitlab_ci_provider.bundles.state."
    "StateDagBundle` makes the copies: is it in [dag_processor] dag_bundle_config_list?"
)

_ANSWER_SECONDS = 5
_PREFIX = "state/"
"""Below the connection's own prefix; caches and artifacts are next to it."""


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
        discovered: the projects that DAG bundles have found.
        events: what GitLab has reported.
        leftovers: compiled pipelines and records of runs that nobody needs any more.
        reports: what GitLab still has to be told.
        expire_in: seconds after which what runs have stored counts as unused.
    """

    snapshots: SnapshotStore
    holds: Holds
    register: Register
    environments: Environments
    cancellations: Cancellations
    installation: Installation
    uses: Uses
    discovered: Discovered
    events: Events
    leftovers: Leftovers
    reports: Reports
    expire_in: float

    def unused_before(self) -> float:
        """Return the time before which the last use is too long ago, in seconds since 1970."""
        return self.snapshots.clock() - self.expire_in


def open_state(settings: Settings) -> State:
    """Open the state of an installation. Opening reads and creates nothing."""
    records = open_records(settings)
    snapshots = SnapshotStore(records)
    return State(
        snapshots=snapshots,
        holds=Holds(snapshots),
        register=Register(records),
        environments=Environments(records),
        cancellations=Cancellations(records),
        installation=Installation(records),
        uses=Uses(records),
        discovered=Discovered(records),
        events=Events(records),
        leftovers=Leftovers(store=snapshots, keep=settings.child_dags_expire_in),
        reports=Reports(records),
        expire_in=settings.child_dags_expire_in,
    )


def open_state_for_people(settings: Settings) -> State:
    """Open it for somebody who waits for an answer: it may be away for five seconds, no longer.

    So the DAG processor does, which has other work.
    """
    return open_state(replace(settings, state_outage=_ANSWER_SECONDS))


def open_copies(settings: Settings) -> SnapshotStore:
    """Open what this machine reads when it parses DAG files: never over a network."""
    if not settings.state_conn_id:
        return SnapshotStore(FolderStore(settings.state))
    return SnapshotStore(FolderStore(settings.copies), advice=_NOT_COPIED)


def open_records(settings: Settings) -> RecordStore:
    """Open the store below the state."""
    if not settings.state_conn_id:
        return FolderStore(settings.state)
    # A process that was forked must not use the connections of its parent.
    return _in_bucket(settings, os.getpid())


@lru_cache(maxsize=4)
def _in_bucket(settings: Settings, _process: int) -> RecordStore:
    copies = FolderStore(settings.copies)

    def connect() -> ConditionalObjects:
        objects = _objects(settings.state_conn_id)
        check_once(objects, copies)
        return objects

    store = BucketStore(connect, Patience(seconds=settings.state_outage))
    return CopiedStore(store, copies)


def _objects(conn_id: str) -> ConditionalObjects:
    # Importing Airflow is slow, and commands for a folder need none.
    from gitlab_ci_provider.hooks.object_store import store_target

    target = store_target(conn_id)
    if target is None:
        raise SettingsError(
            f"there is no connection '{conn_id}', which `[gitlab_ci] state_conn_id` names; "
            "commands find it in the environment, in secrets backends, some in the database"
        )
    return ConditionalObjects(replace(target, prefix=f"{target.prefix}{_PREFIX}"))

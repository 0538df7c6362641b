"""What an event leads to: its project is synced, and a run is started in the DAG that fits.

A run is started even if the project could not be synced: `create_pipeline` fetches and compiles its
commit by itself, and where that fails, the run shows it, as GitLab shows a failed pipeline.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from gitlab_ci_provider.discovery.sync import Sync, SyncResult
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.model.topology import topology_tag
from gitlab_ci_provider.model.webhook_event import EventEnd, WebhookEvent
from gitlab_ci_provider.state import State

_UNREADABLE = "source-unreadable"
_READ_SECONDS = 60
"""For so long a run waits for Airflow to read a new version of a DAG that it already has."""
_LOOK, _AGAIN = 0.5, 10.0
_NOT_HERE = (
    "not synced here: no DAG bundle has the project, or it has no pipeline; "
    "add it to a bundle, or the repository by `gitlab-dags sync URL`"
)
_REPOSITORY_SECONDS = 120

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDag:
    """What Airflow knows of a DAG."""

    paused: bool
    tags: frozenset[str]


class Runs(Protocol):
    """Where runs are started."""

    def dag(self, name: str) -> KnownDag | None:
        """Find a DAG; None when Airflow has not read it, or its file is gone."""
        ...

    def look(self, name: str) -> None:
        """Have the DAG processor refresh its bundle soon, as far as Airflow knows the DAG's."""
        ...

    def has(self, dag: str, run: str) -> bool:
        """Return whether a DAG has a run of this ID."""
        ...

    def start(self, dag: str, run: str, conf: dict[str, object], user: str) -> None:
        """Start a run, unless it was started before."""
        ...


@dataclass(frozen=True, slots=True)
class Later:
    """The event has to wait."""

    seconds: float
    why: str


@dataclass(slots=True)
class Progress:
    """How far this process has come with an event.

    Attributes:
        since: when it began, or when it last moved on; in seconds of the clock.
        sought: whether the DAG bundles were asked for the project.
    """

    since: float
    sought: bool = False
    synced: SyncResult | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Handler:
    """Handles events of one installation.

    Attributes:
        turns: entered while a project is synced, which takes processor time.
        publish: writes the files of DAGs, where they are in a folder.
        seek: syncs a project that no DAG is of, by its path and connection, if a DAG bundle has it.
        unread: seconds until Airflow must have read a new DAG.
        clock: in seconds; only differences matter.
    """

    sync: Sync
    runs: Runs
    turns: AbstractContextManager[Any]
    publish: Callable[[], None]
    unread: float
    clock: Callable[[], float]
    seek: Callable[[str, str], object] = lambda _path, _conn_id: None

    def step(self, event: WebhookEvent, progress: Progress) -> EventEnd | Later:
        """Do what can be done now. May be repeated, also by another process."""
        known = self._known(event, progress)
        if known is None:
            return EventEnd(words=_NOT_HERE)
        shown = self.runs.dag(known.dag_id)
        paused = shown is not None and shown.paused
        if progress.synced is None and (later := self._synced(event, progress, known, paused)):
            return later
        if event.why_no_run:
            return EventEnd(words=f"{event.why_no_run}: no pipeline")
        if paused:
            return EventEnd(words=f"the DAG {known.dag_id} is paused: no pipeline")
        return self._start(event, progress, known)

    def _known(self, event: WebhookEvent, progress: Progress) -> DagRecord | None:
        """Find the DAG of the project; one that no refresh has found yet is looked for."""
        found = self._shown(event)
        if found is None and event.conn_id and not progress.sought:
            with self.turns:
                self.seek(event.project, event.conn_id)
            progress.sought = True
            found = self._shown(event)
        return found

    def _shown(self, event: WebhookEvent) -> DagRecord | None:
        """Find what is shown of a project; one of another server may have the same path."""
        placed = self.sync.place(Project(path=event.project, clone_url=event.clone_url))
        return self.sync.state.snapshots.find_dag(dag_id(placed.path))

    def _synced(
        self, event: WebhookEvent, progress: Progress, known: DagRecord, paused: bool
    ) -> Later | None:
        """Sync what was pushed; of a paused DAG only the default branch, which it shows."""
        ref = None if event.why_no_run or paused else event.ref
        sync = replace(self.sync, config_path=known.config_path)
        with self.turns:
            result = sync.one(event.clone_url, ref)
        unreadable = any(found.code == _UNREADABLE for found in result.diagnostics)
        if unreadable and self.clock() - progress.since < _REPOSITORY_SECONDS:
            return Later(_AGAIN, _said(result))
        if not result.ok:
            _log.warning("%s of %s: %s", event.what, event.project, _said(result))
        progress.synced, progress.since = result, self.clock()
        self.publish()
        return None

    def _start(self, event: WebhookEvent, progress: Progress, known: DagRecord) -> EventEnd | Later:
        result = progress.synced
        target = result.record if result and result.ok and result.record else known
        found = self.runs.dag(target.dag_id)
        waited = self.clock() - progress.since
        if not target.digest:
            return EventEnd(words=f"no pipeline has ever compiled: {_said(result)}", failed=True)
        if found is None and waited < self.unread:
            self.runs.look(known.dag_id)
            return Later(_LOOK, f"Airflow has not read the DAG {target.dag_id} yet")
        if found is not None and waited < _READ_SECONDS and not self._is_current(target, found):
            self.runs.look(target.dag_id)
            return Later(_LOOK, f"Airflow has not read the new version of {target.dag_id} yet")
        if found is None and target.kind is DagKind.REF and self.runs.dag(known.dag_id):
            target = known  # its `create_pipeline` waits, and says so
        elif found is None:
            words = f"Airflow has not read the DAG {target.dag_id} within {self.unread:.0f} s"
            return EventEnd(words=f"{words}: does its DAG processor run?", failed=True)
        run = event_run(event, self.sync.state, self.runs)
        self.runs.start(target.dag_id, run, dict(event.conf), event.user)
        return EventEnd(words=f"started {run} in {target.dag_id}", dag=target.dag_id, run=run)

    def _is_current(self, target: DagRecord, found: KnownDag) -> bool:
        pipeline = self.sync.state.snapshots.load_pipeline(target.digest)
        return topology_tag(pipeline) in found.tags


def event_run(event: WebhookEvent, state: State, runs: Runs) -> str:
    """Name the run of an event: always the same, so that it is started once."""
    sha = str(event.conf.get("sha") or "")
    taken = partial(runs.has, dag_id(event.project))
    return state.events.run(
        event, lambda: state.register.reserve(event.project, event.label, sha, taken=taken)
    )


def _said(result: SyncResult | None) -> str:
    return "; ".join(map(str, result.diagnostics[:3])) if result else ""

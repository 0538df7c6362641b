"""Compiled pipelines, records of runs, and what each DAG shows.

Keys::

    snapshots/pipelines/<digest>.json     a Pipeline; never changes
    snapshots/runs/<day>/<digest>.json    a PipelineRun, for the tasks of its run
    snapshots/dags/<dag id>.json          a StoredDag: what the DAG shows, and who holds it

The same pipeline gives the same bytes, so a commit that does not change it stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord, kind_of
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.serialization import digest, encode
from gitlab_ci_provider.model.topology import shown, topology
from gitlab_ci_provider.records.store import (
    RecordStore,
    is_key,
    parse_document,
    read_document,
    update_document,
)
from gitlab_ci_provider.snapshots.versions import Versions, check_name

Value = TypeVar("Value")

_LATER = 0.001
"""Seconds; versions count them."""

_SNAPSHOTS = "snapshots/"
_PIPELINES = "snapshots/pipelines/"
_RUNS = "snapshots/runs/"
_DAGS = "snapshots/dags/"
_SYNC = "sync this project again with `gitlab-dags sync`"
_DELETE = f"delete it, then {_SYNC}"


def _now() -> float:
    return datetime.now(UTC).timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDag:
    """All that is stored of a DAG: one value, so that it changes as one.

    Attributes:
        used_at: when it was last changed or used, in seconds since 1970.
        changed_at: when its record was last changed; later with each change, whatever clocks say.
        shown_at: when the record was changed in something that the DAG shows.
        holds: the runs that hold it, and since when; see `holds.py`.
    """

    record: DagRecord
    used_at: float
    changed_at: float = 0.0
    shown_at: float = 0.0
    holds: Mapping[str, float] = field(default_factory=dict)


DagChange = Callable[[StoredDag | None], StoredDag | None]


@dataclass(frozen=True, slots=True)
class SnapshotStore:
    """The snapshots of an installation.

    Attributes:
        clock: gives the time, in seconds since 1970.
        advice: what to do when something is missing.
    """

    records: RecordStore
    clock: Callable[[], float] = _now
    advice: str = _SYNC

    @property
    def versions(self) -> Versions:
        """What DAGs showed earlier."""
        return Versions(self.records)

    def save_pipeline(self, pipeline: Pipeline) -> str:
        """Store a pipeline and return its digest."""
        data = encode(pipeline)
        name = digest(data)
        self.records.create(_pipeline_key(name), data)
        return name

    def load_pipeline(self, name: str) -> Pipeline:
        """Read a pipeline by digest.

        Raises:
            StateError: it is not there, or another version has written it.
        """
        key = _pipeline_key(name)
        data = self.records.read_blob(key)
        if data is None:
            raise self._missing(key)
        return parse_document(self.records, key, data, Pipeline, _DELETE)

    def pipelines(self) -> list[str]:
        """List the digests of all pipelines."""
        keys = self.records.keys(_PIPELINES)
        return [key.removeprefix(_PIPELINES).removesuffix(".json") for key in keys]

    def used_pipelines(self, *, runs: bool) -> set[str]:
        """List the digests of pipelines that DAGs show, or have shown in versions that are kept.

        Args:
            runs: also those that records of runs name. Each has to be read.
        """
        dags = filter(None, map(self.find_dag, self.dags()))
        used = {record.digest for record in dags} | self.versions.digests()
        if runs:
            keys = self.records.keys(_RUNS)
            names = (key.removeprefix(_RUNS).removesuffix(".json") for key in keys)
            used.update(run.digest for run in map(self.load_run, names) if run)
        return used - {""}

    def take_pipeline(self, name: str) -> bytes | None:
        """Delete a pipeline and return what was stored."""
        key = _pipeline_key(name)
        data = self.records.read(key)
        self.records.delete(key)
        return data

    def put_back(self, name: str, data: bytes) -> None:
        """Store a pipeline that was taken."""
        self.records.create(_pipeline_key(name), data)

    def same_topology(self, one: str, other: str) -> bool:
        """Return whether the pipelines with two digests have the same topology.

        Raises:
            StateError: one of them cannot be read.
        """
        return one == other or self.topology(one) == self.topology(other)

    def topology(self, name: str) -> str:
        """Name the topology of a pipeline; raises as `load_pipeline`."""
        return topology(self.load_pipeline(name))

    def shown(self, name: str) -> str:
        """Name what a DAG shows of the pipeline with a digest; raises as `load_pipeline`."""
        return shown(self.load_pipeline(name))

    def save_run(self, run: PipelineRun) -> str:
        """Store the record of a created pipeline and return its name for `load_run`."""
        data = encode(run)
        name = f"{_day(self.clock())}/{digest(data)}"
        self.records.create(_run_key(name), data)
        return name

    def load_run(self, name: str) -> PipelineRun | None:
        """Read the record of a created pipeline; None when it was removed since."""
        key = _run_key(name)
        data = self.records.read_blob(key)
        if data is None:
            return None
        return parse_document(self.records, key, data, PipelineRun, "run the pipeline again")

    def forget_runs(self, oldest: float) -> None:
        """Remove records from before a day; times are seconds since 1970. Airflow has them, too."""
        last = _day(oldest)
        for key in self.records.keys(_RUNS):
            if key.removeprefix(_RUNS) >= last:
                return
            self.records.delete(key)

    def load_dag(self, dag_id: str) -> DagRecord:
        """Read the record of a DAG.

        Raises:
            StateError: there is none.
        """
        return self.load_stored(dag_id).record

    def load_stored(self, dag_id: str) -> StoredDag:
        """Read all that is stored of a DAG; raises as `load_dag`."""
        stored = self.stored_dag(dag_id)
        if stored is None:
            raise self._missing(_dag_key(dag_id))
        return stored

    def find_dag(self, dag_id: str) -> DagRecord | None:
        """Read the record of a DAG; None when there is none, as for names that none can have."""
        stored = self.stored_dag(dag_id) if is_key(_dag_key(dag_id)) else None
        return stored.record if stored else None

    def has_dag(self, dag_id: str) -> bool:
        """Return whether there is a record of a DAG."""
        return self.records.read(_dag_key(dag_id)) is not None

    def stored_dag(self, dag_id: str) -> StoredDag | None:
        """Read all that is stored of a DAG.

        Raises:
            StateError: it cannot be read, or is of another DAG.
        """
        key = _dag_key(dag_id)
        stored = read_document(self.records, key, StoredDag, _DELETE)
        if stored:
            check_name(self.records.location(key), stored.record, dag_id)
        return stored

    def change_dag(self, dag_id: str, change: DagChange) -> StoredDag | None:
        """Change what is stored of a DAG, so that no other process's change is lost.

        `change` may be called more than once, and may raise an exception to change nothing.
        """
        return update_document(self.records, _dag_key(dag_id), StoredDag, change, _DELETE)

    def put_dag(self, stored: StoredDag) -> None:
        """Store a copy of a DAG, whatever was there: it may be damaged."""
        self.records.write(_dag_key(stored.record.dag_id), encode(stored))

    def drop_dag(self, dag_id: str) -> None:
        """Remove a copy of a DAG."""
        self.records.delete(_dag_key(dag_id))

    def with_record(self, stored: StoredDag | None, record: DagRecord) -> StoredDag:
        """Put another record in place of a DAG's."""
        now = self.clock()
        if stored is None:
            return StoredDag(record=record, used_at=now, changed_at=now, shown_at=now)
        if stored.record == record:
            return stored
        changed_at = max(now, stored.changed_at + _LATER)
        same = self._shows_the_same(stored.record.digest, record.digest)
        shown_at = stored.shown_at if same else changed_at
        return replace(stored, record=record, used_at=now, changed_at=changed_at, shown_at=shown_at)

    def dags(self, *kinds: DagKind, part_of: str = "") -> list[str]:
        """List the names of DAGs, sorted.

        Args:
            kinds: of the DAGs, by default all.
            part_of: list only the parts of this DAG, at any depth.
        """
        prefix = f"{part_of}.." if part_of else ""
        keys = self.records.keys(f"{_DAGS}{prefix}")
        names = sorted(key.removeprefix(_DAGS).removesuffix(".json") for key in keys)
        return [name for name in names if kind_of(name) in (kinds or DagKind)]

    def dag_versions(self) -> dict[str, str]:
        """List the names of all DAGs; the text with each changes with what is stored of it."""
        found = dict(self.records.versions(_DAGS))
        return {
            key.removeprefix(_DAGS).removesuffix(".json"): version for key, version in found.items()
        }

    def check_exists(self) -> None:
        """Make sure that this is the state of an installation, and no empty place.

        Raises:
            StateError: there is nothing.
        """
        if next(iter(self.records.keys(_SNAPSHOTS)), None) is None:
            place = self.records.location("").rstrip("/")
            raise StateError(f"there is no state in {place}: {self.advice}")

    def _shows_the_same(self, one: str, other: str) -> bool:
        if one == other or not one or not other:
            return one == other
        with suppress(StateError):  # an unreadable pipeline is like no other
            return self.shown(one) == self.shown(other)
        return False

    def _missing(self, key: str) -> StateError:
        return StateError(f"{self.records.location(key)} does not exist: {self.advice}")


def _pipeline_key(name: str) -> str:
    return f"{_PIPELINES}{name}.json"


def _run_key(name: str) -> str:
    return f"{_RUNS}{name}.json"


def _dag_key(dag_id: str) -> str:
    return f"{_DAGS}{dag_id}.json"


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()

"""Which runs hold a DAG: as long as one does, nobody changes or removes its topology.

Airflow moves a run to the newest version of its DAG between any two tasks: jobs of a later commit
would appear in it, and its own would disappear. So a run holds its DAG from the moment that it
knows which jobs it has. Holds are stored with what the DAG shows, as one value, and every change of
it checks the holds in the same step: of a run and a sync at the same time, one sees the other.

A run that ends releases its hold. One that could not (its scheduler does not see the state, or it
was deleted) is found by later runs, see `runs/create/redirect.py`; after `void_after` its hold is
void. No setting shortens that: a run that waits for a person may be open for long.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.snapshots.store import DagChange, SnapshotStore, StoredDag

A_MONTH = 30 * 24 * 3600
"""Seconds."""


class _RefusedError(Exception):
    """The DAG must stay as it is."""


@dataclass(frozen=True, slots=True)
class Holds:
    """The holds of an installation.

    Attributes:
        void_after: seconds after which a hold is void; no run is open for so long.
    """

    store: SnapshotStore
    void_after: float = A_MONTH

    def take(self, dag: str, run: str, digest: str) -> bool:
        """Hold a DAG for a run with this pipeline; False when the DAG has another topology."""

        def change(stored: StoredDag | None) -> StoredDag:
            if stored is None or not self._fits(stored.record, digest):
                raise _RefusedError
            return self._held(stored, run)

        return self._changed(dag, change)

    def reserve(self, record: DagRecord, run: str) -> bool:
        """Hold a DAG for a run that is about to start in it; make the DAG when it is not there.

        False when the DAG has another topology.
        """

        def change(stored: StoredDag | None) -> StoredDag:
            if stored is None:
                stored = self.store.with_record(None, record)
            elif not self._fits(stored.record, record.digest):
                raise _RefusedError
            return replace(self._held(stored, run), used_at=self.store.clock())

        return self._changed(record.dag_id, change)

    def keep(self, dag: str, run: str, digest: str) -> bool:
        """Hold a DAG for a run that continues because it was cleared after it had ended.

        Returns:
            whether that is so; otherwise the run has its hold still.
        """
        ended = run not in self.runs(dag)
        if ended:
            self.take(dag, run, digest)
        return ended

    def drop(self, dag: str, run: str) -> None:
        """Release the hold of a run that has ended."""
        if run in self.runs(dag):
            self.store.change_dag(dag, lambda stored: stored and _without(stored, run))

    def replace(self, record: DagRecord) -> bool:
        """Store the record of a DAG; False when runs hold it and its topology would change."""

        def change(stored: StoredDag | None) -> StoredDag:
            if stored is not None:
                stored = replace(stored, holds=self._valid(stored))
                if stored.holds and not self._fits(stored.record, record.digest):
                    raise _RefusedError
            return self.store.with_record(stored, record)

        return self._changed(record.dag_id, change)

    def delete(self, dag: str) -> bool:
        """Forget a DAG and its parts; False when runs hold one of them.

        The DAG is removed last: when a run takes a hold in between, its DAG and its parents stay.
        """
        names = [*reversed(self.store.dags(part_of=dag)), dag]
        if any(self.runs(name) for name in names):
            return False
        return all(self._changed(name, self._unless_held) for name in names)

    def runs(self, dag: str) -> dict[str, float]:
        """List the runs that hold a DAG, with the time of each hold in seconds since 1970."""
        stored = self.store.stored_dag(dag)
        return self._valid(stored) if stored else {}

    def _unless_held(self, stored: StoredDag | None) -> None:
        if stored and self._valid(stored):
            raise _RefusedError

    def _held(self, stored: StoredDag, run: str) -> StoredDag:
        return replace(stored, holds={**self._valid(stored), run: self.store.clock()})

    def _valid(self, stored: StoredDag) -> dict[str, float]:
        oldest = self.store.clock() - self.void_after
        return {run: since for run, since in stored.holds.items() if since >= oldest}

    def _fits(self, record: DagRecord, digest: str) -> bool:
        shown = record.digest
        if shown == digest or not shown or not digest:
            return shown == digest
        with suppress(StateError):  # an unreadable pipeline fits nothing
            return self.store.same_topology(shown, digest)
        return False

    def _changed(self, dag: str, change: DagChange) -> bool:
        """Change what is stored of a DAG; False when the change refuses."""
        try:
            self.store.change_dag(dag, change)
        except _RefusedError:
            return False
        return True


def _without(stored: StoredDag, run: str) -> StoredDag:
    return replace(stored, holds={name: at for name, at in stored.holds.items() if name != run})

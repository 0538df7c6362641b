"""Which runs hold a DAG: as long as one does, nobody changes or removes its topology.

Airflow moves a run to the newest version of its DAG between any two of its tasks: jobs of a later
commit would appear in it, and its own disappear. So a run holds its DAG from the moment that it
knows which jobs it has, and whoever would change the DAG asks here, under the same lock. Layout::

    holds/<hash of DAG>/.lock
    holds/<hash of DAG>/<hash of run>     the run's id

A run that ends lets go. One that could not (its scheduler does not see this folder, or it was
deleted) is found out by later runs, see `runs/holding.py`.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.names import belongs_to
from gitlab_ci_provider.model.topology import topology
from gitlab_ci_provider.records.files import write_whole
from gitlab_ci_provider.snapshots.store import SnapshotStore

_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Holds:
    """The holds of an installation, beside its snapshots."""

    store: SnapshotStore

    def take(self, dag: str, run: str, digest: str) -> bool:
        """Hold a DAG for a run with this pipeline; False when the DAG has another topology."""
        with self._locked(dag):
            if not self.store.has_dag(dag) or not self._fits(dag, digest):
                return False
            write_whole(self._path(dag, run), run.encode())
        return True

    def reserve(self, record: DagRecord, run: str) -> bool:
        """Hold a DAG for a run that is about to start in it; make the DAG when it is not there."""
        with self._locked(record.dag_id):
            if not self.store.has_dag(record.dag_id):
                self.store.save_dag(record)
            elif not self._fits(record.dag_id, record.digest):
                return False
            self.store.touch(record)
            write_whole(self._path(record.dag_id, run), run.encode())
        return True

    def keep(self, dag: str, run: str, digest: str) -> None:
        """Hold a DAG for a run that goes on, when it was cleared after it had let go."""
        if not self._path(dag, run).exists():
            self.take(dag, run, digest)

    def drop(self, dag: str, run: str) -> None:
        """Let go of a DAG: the run has ended."""
        self._path(dag, run).unlink(missing_ok=True)

    def replace(self, record: DagRecord) -> bool:
        """Save what is known of a DAG; False when runs hold it and its topology would change."""
        with self._locked(record.dag_id):
            known = self.store.has_dag(record.dag_id)
            if known and self.runs(record.dag_id) and not self._fits(record.dag_id, record.digest):
                return False
            self.store.save_dag(record)
        return True

    def delete(self, dag: str) -> bool:
        """Forget a DAG and its parts; False when runs hold one of them."""
        parts = [name for name in self.store.dags() if belongs_to(name, dag)]
        with ExitStack() as locks:
            for name in sorted((dag, *parts)):
                locks.enter_context(self._locked(name))
            if any(self.runs(name) for name in (dag, *parts)):
                return False
            self.store.delete_dag(dag)
        return True

    def runs(self, dag: str) -> dict[str, float]:
        """List the runs that hold a DAG, with the time of each hold in seconds since 1970."""
        found: dict[str, float] = {}
        for path in self._folder(dag).glob("[0-9a-f]*"):
            with suppress(FileNotFoundError):
                found[path.read_text()] = path.stat().st_mtime
        return found

    def forget(self, oldest: float) -> None:
        """Remove holds from before a time, in seconds since 1970: no run is open for so long."""
        for path in (self.store.folder / "holds").glob("*/[0-9a-f]*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _fits(self, dag: str, digest: str) -> bool:
        shown = self.store.load_dag(dag).digest
        if shown == digest or not shown or not digest:
            return shown == digest
        with suppress(SourceError):  # what cannot be read fits nothing
            return self._topology(shown) == self._topology(digest)
        return False

    def _topology(self, digest: str) -> str:
        return topology(self.store.load_pipeline(digest))

    @contextmanager
    def _locked(self, dag: str) -> Iterator[None]:
        """Let nobody else look at or change the holds of a DAG; the kernel frees a dead one's."""
        folder = self._folder(dag)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _folder(self, dag: str) -> Path:
        return self.store.folder / "holds" / _hash(dag)

    def _path(self, dag: str, run: str) -> Path:
        return self._folder(dag) / _hash(run)


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()

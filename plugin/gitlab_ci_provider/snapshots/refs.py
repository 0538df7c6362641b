"""Which DAG runs a ref: the project's, or one of its own when the topology differs.

A caller that is about to start a run in such a DAG reserves it first, see `holds.py`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.names import part_dag_id
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.store import SnapshotStore

_TRIES = 3


def record_of_ref(store: SnapshotStore, owner: DagRecord, ref: Ref, digest: str) -> DagRecord:
    """Return the record of the DAG that runs a ref: its owner, the project's own, when that fits.

    The digest is that of the pipeline at the ref.
    """
    if owner.digest and store.same_topology(owner.digest, digest):
        return owner
    part = _of_topology(store, digest) if ref.name == ref.sha else ref.name
    return _named(owner, part, ref, digest)


def record_of_topology(store: SnapshotStore, owner: DagRecord, ref: Ref, digest: str) -> DagRecord:
    """Return the record of a DAG that has the name of its topology, and so never changes it."""
    return _named(owner, _of_topology(store, digest), ref, digest)


def reserve_for_run(
    holds: Holds, owner: str, *, ref: Ref, digest: str, run: str, other_than: str = ""
) -> DagRecord:
    """Hold a DAG in which a run of a ref can start.

    Args:
        holds: of the installation.
        owner: the project's DAG.
        ref: what the run is for.
        digest: of the pipeline at the ref.
        run: the run's id.
        other_than: a DAG in which the run cannot start.

    Raises:
        StateError: another process changed the DAG at every try.
    """
    store = holds.store
    for _ in range(_TRIES):
        record = record_at_run(store, store.load_dag(owner), ref, digest)
        if record.dag_id == other_than:
            shared = replace(ref, name=ref.sha)
            record = record_of_topology(store, store.load_dag(owner), shared, digest)
        if holds.reserve(record, run):
            return store.load_dag(record.dag_id)
    raise StateError(f"the DAG {record.dag_id} was changed {_TRIES} times: run this again")


def has_name_of_topology(dag: str) -> bool:
    """Return whether a DAG is named by its topology: commits with the same jobs share it."""
    return bool(re.search(r"\.\.commits-[0-9a-f]{8}$", dag))


def record_at_run(store: SnapshotStore, owner: DagRecord, ref: Ref, digest: str) -> DagRecord:
    """Return the record of a DAG that a run may need at once.

    That of the ref when it fits, else one that is named by its topology: when Airflow knows such a
    DAG at all, it knows the right version.
    """
    named = record_of_ref(store, owner, ref, digest)
    if named.kind is not DagKind.REF:
        return named
    known = store.find_dag(named.dag_id)
    if known and known.digest and store.same_topology(known.digest, digest):
        return known
    return record_of_topology(store, owner, replace(ref, name=ref.sha), digest)


def _of_topology(store: SnapshotStore, digest: str) -> str:
    """Name what commits of one topology share, so that many commits need few DAGs."""
    return f"commits-{store.topology(digest)[:8]}"


def _named(owner: DagRecord, part: str, ref: Ref, digest: str) -> DagRecord:
    return replace(
        owner,
        dag_id=part_dag_id(owner.dag_id, part),
        kind=DagKind.REF,
        ref=ref,
        digest=digest,
        diagnostics=(),
        title=f"{owner.project.path} @ {part}",
    )

"""Which DAG runs a ref: the project's, or one of its own when the topology differs."""

from __future__ import annotations

from dataclasses import replace

from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.names import part_dag_id
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.topology import topology
from gitlab_ci_provider.snapshots.store import SnapshotStore


def record_of_ref(store: SnapshotStore, owner: DagRecord, ref: Ref, digest: str) -> DagRecord:
    """Give the record of the DAG that runs a ref: its owner, the project's own, when that fits.

    The digest is that of the pipeline at the ref.
    """
    pipeline = store.load_pipeline(digest)
    if owner.digest and _same(store, owner.digest, digest):
        return owner
    part = _part(ref, pipeline)
    return replace(
        owner,
        dag_id=part_dag_id(owner.dag_id, part),
        kind=DagKind.REF,
        ref=ref,
        digest=digest,
        diagnostics=(),
        title=f"{owner.project.path} @ {part}",
    )


def record_at_run(store: SnapshotStore, owner: DagRecord, ref: Ref, digest: str) -> DagRecord:
    """Give the record of a DAG that a run may need at once.

    That of the ref when it fits, else one that is named by its topology: when Airflow knows such a
    DAG at all, it knows the right version.
    """
    named = record_of_ref(store, owner, ref, digest)
    if named.kind is not DagKind.REF:
        return named
    if store.has_dag(named.dag_id):
        known = store.load_dag(named.dag_id)
        if known.digest and _same(store, known.digest, digest):
            return known
    return record_of_ref(store, owner, replace(ref, name=ref.sha), digest)


def _same(store: SnapshotStore, one: str, other: str) -> bool:
    return topology(store.load_pipeline(one)) == topology(store.load_pipeline(other))


def _part(ref: Ref, pipeline: Pipeline) -> str:
    """Name a ref; commits of one topology share a DAG, so that a range of them makes few."""
    return f"commits-{topology(pipeline)[:8]}" if ref.name == ref.sha else ref.name

"""The DAGs of child pipelines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factories import make_dag_record, make_job, make_pipeline
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.records.store import RecordStore
from gitlab_ci_provider.snapshots.children import forget_children, record_of_child, synced_child
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.store import SnapshotStore
from stores import save_dag

PIPELINE = make_pipeline(make_job("a"))
RECORD = make_dag_record()
OTHER = make_pipeline(make_job("b"))


@pytest.fixture
def store(records: RecordStore) -> SnapshotStore:
    return SnapshotStore(records)


def make_child(store: SnapshotStore, pipeline: Pipeline = PIPELINE) -> DagRecord:
    """Return a child's record as a run does, and keep it."""
    record = record_of_child(store, RECORD, "deploy", store.save_pipeline(pipeline))
    save_dag(store, record)
    return record


def test_a_run_uses_the_synced_dag_when_it_fits(store: SnapshotStore):
    """Other scripts do not change the topology: nothing has to wait for a new DAG."""
    synced = synced_child(RECORD, "deploy", store.save_pipeline(PIPELINE))
    save_dag(store, synced)
    job = make_job("a", script=Script(main=("other",)))

    assert make_child(store, make_pipeline(job)) == synced


def test_another_topology_gets_a_dag_of_its_own_once(store: SnapshotStore):
    """Runs that generate the same jobs share a DAG; others never change it."""
    first, second = make_child(store), make_child(store, OTHER)

    assert first.dag_id != second.dag_id
    assert make_child(store) == first
    assert (first.kind, first.parent, first.bridge) == (DagKind.CHILD, RECORD.dag_id, "deploy")


def test_dags_that_no_run_needs_any_more_go(store: SnapshotStore):
    """Sync removes synced DAGs of bridges that are gone, and old ones that runs have made."""
    save_dag(store, RECORD)
    gone = synced_child(RECORD, "gone", store.save_pipeline(PIPELINE))
    kept = synced_child(RECORD, "kept", gone.digest)
    for record in (gone, kept):
        save_dag(store, record)
    old, used = make_child(store), make_child(store, OTHER)
    store.change_dag(old.dag_id, lambda stored: stored and replace(stored, used_at=0))

    forget_children(Holds(store), RECORD, keep={kept.dag_id}, unused_before=1)

    assert set(store.dags(DagKind.CHILD)) == {kept.dag_id, used.dag_id}

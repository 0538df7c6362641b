"""The DAGs of child pipelines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from factories import make_dag_record, make_job, make_pipeline
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.snapshots.children import forget_children, record_of_child, synced_child
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.store import SnapshotStore

PIPELINE = make_pipeline(make_job("a"))
RECORD = make_dag_record()
OTHER = make_pipeline(make_job("b"))


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path)


def make_child(store: SnapshotStore, pipeline: Pipeline = PIPELINE) -> DagRecord:
    """Give a child's record as a run does, and keep it."""
    record = record_of_child(store, RECORD, "deploy", store.save_pipeline(pipeline))
    store.save_dag(record)
    return record


def test_a_run_uses_the_synced_dag_when_it_fits(store: SnapshotStore):
    """Other scripts are no other topology: nothing has to wait for a new DAG."""
    synced = synced_child(RECORD, "deploy", store.save_pipeline(PIPELINE))
    store.save_dag(synced)
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
    store.save_dag(RECORD)
    gone = synced_child(RECORD, "gone", store.save_pipeline(PIPELINE))
    kept = synced_child(RECORD, "kept", gone.digest)
    for record in (gone, kept):
        store.save_dag(record)
    old, used = make_child(store), make_child(store, OTHER)
    os.utime(store.folder / "child" / f"{old.dag_id}.json", (0, 0))

    forget_children(Holds(store), RECORD, {kept.dag_id}, unused=60)

    assert set(store.dags(DagKind.CHILD)) == {kept.dag_id, used.dag_id}

"""Runs hold their DAGs."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from factories import make_dag_record, make_job, make_pipeline
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.snapshots.children import forget_children, synced_child
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.refs import has_name_of_topology, reserve_for_run
from gitlab_ci_provider.snapshots.store import SnapshotStore

PIPELINE = make_pipeline(make_job("a"))
RECORD = make_dag_record()
OTHER = make_pipeline(make_job("b"))
SCRIPT = make_pipeline(make_job("a", script=Script(main=("other",))))
DAG = RECORD.dag_id


@pytest.fixture
def holds(tmp_path: Path) -> Holds:
    found = Holds(SnapshotStore(tmp_path))
    found.store.save_dag(record(found, PIPELINE))
    return found


def record(holds: Holds, pipeline: Pipeline) -> DagRecord:
    return replace(RECORD, digest=holds.store.save_pipeline(pipeline))


def digest(holds: Holds) -> str:
    return holds.store.load_dag(DAG).digest


def test_a_dag_in_which_runs_are_open_keeps_its_topology(holds: Holds):
    """Another script is no other topology, other jobs are; when the run has ended they come in."""
    kept = record(holds, SCRIPT)
    assert holds.take(DAG, "run", digest(holds))

    assert holds.replace(kept)
    assert not holds.replace(record(holds, OTHER))
    assert digest(holds) == kept.digest

    holds.drop(DAG, "run")
    assert holds.replace(record(holds, OTHER))


def test_a_run_cannot_hold_a_dag_with_other_jobs(holds: Holds):
    """It would run the jobs of another commit."""
    assert not holds.take(DAG, "run", record(holds, OTHER).digest)
    assert not holds.take("unknown", "run", digest(holds))
    assert holds.runs(DAG) == {}


def test_nobody_changes_a_dag_between_the_look_and_the_hold(holds: Holds):
    """Of a run and a sync at the same time one wins, and the other sees it: fifty times."""
    one, other = record(holds, PIPELINE), record(holds, OTHER)
    for number in range(50):
        holds.store.save_dag(one)
        start, answers = threading.Barrier(2), {}

        def take(run: str = str(number)) -> None:
            start.wait()  # noqa: B023 - joined below
            answers["held"] = holds.take(DAG, run, one.digest)  # noqa: B023

        def change() -> None:
            start.wait()  # noqa: B023
            answers["changed"] = holds.replace(other)  # noqa: B023

        threads = [threading.Thread(target=work) for work in (take, change)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert answers["held"] != answers["changed"]
        assert digest(holds) == (other if answers["changed"] else one).digest
        holds.drop(DAG, str(number))


def test_a_dag_in_which_runs_are_open_is_not_removed(holds: Holds):
    """Airflow would never look at these runs again: neither a merged branch's nor a bridge's."""
    child = synced_child(RECORD, "gone", digest(holds))
    holds.store.save_dag(child)
    holds.take(child.dag_id, "run", child.digest)

    forget_children(holds, RECORD, set(), unused=60)
    assert holds.store.has_dag(child.dag_id)
    assert not holds.delete(DAG)

    holds.drop(child.dag_id, "run")
    forget_children(holds, RECORD, set(), unused=60)
    assert not holds.store.has_dag(child.dag_id)


def test_a_run_finds_a_dag_that_stays_what_it_is(holds: Holds):
    """The project's when it fits; else, or when it cannot be that one, one named by topology."""
    ref, one = RECORD.ref, digest(holds)
    other = record(holds, OTHER).digest

    assert reserve_for_run(holds, DAG, (ref, one), "1").dag_id == DAG
    beside = reserve_for_run(holds, DAG, (ref, one), "2", but=DAG).dag_id
    apart = reserve_for_run(holds, DAG, (replace(ref, name="topic"), other), "3").dag_id

    assert has_name_of_topology(beside)
    assert has_name_of_topology(apart)
    assert beside != apart
    assert list(holds.runs(apart)) == ["3"]


def test_old_holds_are_forgotten(holds: Holds):
    """No run is open for a month."""
    holds.take(DAG, "run", digest(holds))

    holds.forget(0)
    assert list(holds.runs(DAG)) == ["run"]
    holds.forget(2**40)
    assert holds.runs(DAG) == {}

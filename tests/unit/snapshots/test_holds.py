"""Runs hold their DAGs."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from factories import make_dag_record, make_job, make_pipeline
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.records.store import RecordStore
from gitlab_ci_provider.snapshots.children import forget_children, synced_child
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.refs import has_name_of_topology, reserve_for_run
from gitlab_ci_provider.snapshots.store import DagChange, SnapshotStore, StoredDag
from stores import save_dag

PIPELINE = make_pipeline(make_job("a"))
RECORD = make_dag_record()
OTHER = make_pipeline(make_job("b"))
SCRIPT = make_pipeline(make_job("a", script=Script(main=("other",))))
DAG = RECORD.dag_id


@pytest.fixture
def holds(records: RecordStore) -> Holds:
    found = Holds(SnapshotStore(records))
    save_dag(found.store, record(found, PIPELINE))
    return found


def record(holds: Holds, pipeline: Pipeline) -> DagRecord:
    return replace(RECORD, digest=holds.store.save_pipeline(pipeline))


def digest(holds: Holds) -> str:
    return holds.store.load_dag(DAG).digest


def test_a_dag_in_which_runs_are_open_keeps_its_topology(holds: Holds):
    """Another script keeps the topology, other jobs change it: they wait for the run's end."""
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
        save_dag(holds.store, one)
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
    save_dag(holds.store, child)
    holds.take(child.dag_id, "run", child.digest)

    forget_children(holds, RECORD, keep=set(), unused_before=0)
    assert holds.store.has_dag(child.dag_id)
    assert not holds.delete(DAG)

    holds.drop(child.dag_id, "run")
    forget_children(holds, RECORD, keep=set(), unused_before=0)
    assert not holds.store.has_dag(child.dag_id)


def test_a_run_finds_a_dag_that_stays_what_it_is(holds: Holds):
    """The project's when it fits; else, or when it cannot be that one, one named by topology."""
    ref, one = RECORD.ref, digest(holds)
    other = record(holds, OTHER).digest

    topic = replace(ref, name="topic")

    assert reserve_for_run(holds, DAG, ref=ref, digest=one, run="1").dag_id == DAG
    same = reserve_for_run(holds, DAG, ref=ref, digest=one, run="2", other_than=DAG).dag_id
    changed = reserve_for_run(holds, DAG, ref=topic, digest=other, run="3").dag_id

    assert has_name_of_topology(same)
    assert has_name_of_topology(changed)
    assert same != changed
    assert list(holds.runs(changed)) == ["3"]


def test_old_holds_are_void(records: RecordStore):
    """No run is open for so long: neither is it listed, nor does it keep a DAG as it is."""
    now = 1000.0
    holds = Holds(SnapshotStore(records, clock=lambda: now), void_after=60)
    save_dag(holds.store, record(holds, PIPELINE))
    holds.take(DAG, "run", digest(holds))

    now += 59
    assert holds.runs(DAG) == {"run": 1000}
    assert not holds.replace(record(holds, OTHER))
    now += 2
    assert holds.runs(DAG) == {}
    assert holds.replace(record(holds, OTHER))


def test_unused_dags_may_go_soon_but_holds_stay(holds: Holds):
    """`child_dags_expire_in` is for DAGs that no run uses; a run that waits for days holds its."""
    children = [synced_child(RECORD, name, digest(holds)) for name in ("held", "unused")]
    for child in children:
        save_dag(holds.store, replace(child, bridge="deploy"))
    held = children[0].dag_id
    holds.take(held, "run", digest(holds))

    forget_children(holds, RECORD, keep=set(), unused_before=holds.store.clock() + 1)

    assert holds.store.dags(DagKind.CHILD) == [held]


def test_a_run_that_goes_on_holds_its_dag_again(holds: Holds):
    """A cleared run that had ended; one that still holds it keeps the time of its hold."""
    assert holds.keep(DAG, "run", digest(holds))
    (since,) = holds.runs(DAG).values()
    assert not holds.keep(DAG, "run", digest(holds))

    assert holds.runs(DAG) == {"run": since}


def test_a_part_that_a_run_takes_meanwhile_keeps_what_it_belongs_to(holds: Holds):
    """A deletion checks first, and again at each DAG; those above a held one stay."""
    child = synced_child(RECORD, "child", digest(holds))
    grandchild = synced_child(child, "child", digest(holds))
    for one in (child, grandchild):
        save_dag(holds.store, one)

    class Meanwhile(SnapshotStore):
        """A store in which a run starts while the grandchild is deleted."""

        def change_dag(self, dag_id: str, change: DagChange) -> StoredDag | None:
            if dag_id == grandchild.dag_id:
                holds.take(child.dag_id, "run", child.digest)
            return super().change_dag(dag_id, change)

    assert not Holds(Meanwhile(holds.store.records)).delete(DAG)
    assert holds.store.dags() == [DAG, child.dag_id]
    assert list(holds.runs(child.dag_id)) == ["run"]


def test_a_run_without_a_stored_dag_lets_go_without_a_trace(records: RecordStore):
    """Where the scheduler does not see the state, it leaves none of its own."""
    Holds(SnapshotStore(records)).drop(DAG, "run")

    assert list(records.keys("")) == []

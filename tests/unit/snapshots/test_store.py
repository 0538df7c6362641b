"""Compiled pipelines, records of runs, and what DAGs show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from factories import make_dag_record, make_job, make_pipeline, make_run
from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.dag_record import DagKind
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.records.store import RecordStore
from gitlab_ci_provider.snapshots.dag_files import publish, write_dag_files
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.refs import record_at_run, record_of_ref
from gitlab_ci_provider.snapshots.store import SnapshotStore
from stores import save_dag

PIPELINE = make_pipeline(make_job("a"))
RECORD = make_dag_record()
DAY = 24 * 3600


@pytest.fixture
def store(records: RecordStore) -> SnapshotStore:
    return SnapshotStore(records)


def test_the_same_pipeline_has_the_same_digest_and_is_written_once(store: SnapshotStore):
    """A commit that changes nothing of the pipeline makes no new DAG version."""
    first = store.save_pipeline(PIPELINE)
    (key,) = store.records.keys("snapshots/pipelines/")
    store.records.write(key, b"as it was")

    assert store.save_pipeline(PIPELINE) == first
    assert store.records.read(key) == b"as it was"


def test_a_pipeline_comes_back_as_it_was(store: SnapshotStore):
    """Reading a snapshot gives the value that was written."""
    assert store.load_pipeline(store.save_pipeline(PIPELINE)) == PIPELINE


def test_a_record_comes_back_as_it_was(store: SnapshotStore):
    """A project is found by the name of its DAG."""
    save_dag(store, RECORD)

    assert store.dags() == ["group__project"]
    assert store.load_dag("group__project") == RECORD


def test_a_missing_snapshot_says_what_to_do(store: SnapshotStore):
    """The error names the file and the way out."""
    with pytest.raises(StateError, match="sync"):
        store.load_pipeline("nope")


def test_a_broken_snapshot_says_what_to_do(store: SnapshotStore):
    """A file of another version, or half of one, is an error in words."""
    store.records.write("snapshots/dags/group__project.json", b'{"record": 1}')

    with pytest.raises(StateError, match="cannot be read"):
        store.load_dag("group__project")


def test_a_dag_goes_with_its_parts_and_no_other(store: SnapshotStore):
    """Deleting a project removes the DAGs of its refs and their child pipelines."""
    names = ("a__b", "a__b..feature", "a__b..feature...child", "a__b-c", "a__b.c")
    kinds = (DagKind.PROJECT, DagKind.REF, DagKind.CHILD, DagKind.PROJECT, DagKind.PROJECT)
    for name, kind in zip(names, kinds, strict=True):
        save_dag(store, replace(RECORD, dag_id=name, kind=kind))

    assert store.dags(part_of="a__b") == ["a__b..feature", "a__b..feature...child"]
    assert store.dags(DagKind.CHILD) == ["a__b..feature...child"]
    assert Holds(store).delete("a__b")

    assert store.dags() == ["a__b-c", "a__b.c"]


def test_a_ref_with_the_projects_topology_has_no_dag_of_its_own(store: SnapshotStore):
    """Other scripts fit the project's DAG; other jobs do not."""
    owner = replace(RECORD, digest=store.save_pipeline(PIPELINE))
    ref = Ref(name="Feature/x", sha="1" * 40)
    scripted = replace(PIPELINE.jobs["a"], script=Script(main=("true",)))
    same = store.save_pipeline(replace(PIPELINE, jobs={"a": scripted}))
    longer = replace(PIPELINE.jobs["a"], timeout=7)
    other = store.save_pipeline(replace(PIPELINE, jobs={"a": longer}))

    assert record_of_ref(store, owner, ref, same) == owner
    made = record_of_ref(store, owner, ref, other)
    assert made.kind is DagKind.REF
    assert made.dag_id.startswith("group__project..Feature-x-")
    assert (made.ref, made.digest, made.title) == (ref, other, "group/project @ Feature/x")


def test_dag_files_follow_the_records(store: SnapshotStore, tmp_path: Path):
    """Each DAG with a pipeline has a file; files of DAGs that are gone go too, and no others."""
    folder = tmp_path / "dags"
    for record in (
        replace(RECORD, dag_id="a__b"),
        replace(RECORD, dag_id="a__b..x", kind=DagKind.REF),
        replace(RECORD, dag_id="broken", digest=""),
    ):
        save_dag(store, record)
        publish(record, folder)
    assert {path.name for path in folder.iterdir()} == {"a__b.py", "a__b..x.py"}

    assert Holds(store).delete("a__b..x")
    (folder / "mine.py").write_text("# a DAG by hand\n")
    write_dag_files(store, folder)

    assert {path.name for path in folder.iterdir()} == {"a__b.py", "mine.py"}


def test_a_runs_record_is_found_until_it_is_removed(store: SnapshotStore):
    """Tasks read it by its digest; Airflow has it too, so removing it loses nothing."""
    run = make_run(decisions={"a": JobDecision(job="a", present=True)})
    days = iter([1 * DAY, 2 * DAY])
    store = SnapshotStore(store.records, clock=lambda: next(days))
    first, second = store.save_run(run), store.save_run(run)

    store.forget_runs(1 * DAY)
    assert store.load_run(first) == run
    store.forget_runs(2 * DAY + 1)
    assert store.load_run(first) is None
    assert store.load_run(second) == run


def test_a_run_takes_a_dag_that_airflow_has_in_the_right_version(store: SnapshotStore):
    """That of the ref when its jobs are the same, else one named by its jobs."""
    owner = replace(RECORD, digest=store.save_pipeline(PIPELINE))
    ref = Ref(name="feature", sha="1" * 40)
    one, two = (
        store.save_pipeline(replace(PIPELINE, jobs={"a": replace(PIPELINE.jobs["a"], timeout=n)}))
        for n in (7, 8)
    )
    save_dag(store, record_of_ref(store, owner, ref, one))

    assert record_at_run(store, owner, ref, owner.digest) == owner
    assert record_at_run(store, owner, ref, one).dag_id == "group__project..feature"
    made = record_at_run(store, owner, ref, two)
    assert made.dag_id.startswith("group__project..commits-")
    assert made.ref.name == ref.sha

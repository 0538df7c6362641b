"""Compiled pipelines on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.snapshots.store import ProjectRecord, SnapshotStore

PIPELINE = Pipeline(stages=("test",), jobs={"a": Job(name="a", stage="test")}, edges={"a": ()})
RECORD = ProjectRecord(
    project=Project(path="group/project", clone_url="https://example.com/p.git"),
    ref=Ref(name="main", sha="0" * 40),
    digest="d",
)


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path)


def test_the_same_pipeline_has_the_same_digest_and_is_written_once(store: SnapshotStore):
    """A commit that changes nothing of the pipeline makes no new DAG version."""
    first = store.save_pipeline(PIPELINE)
    path = store.folder / "pipelines" / f"{first}.json"
    written = path.stat().st_mtime_ns

    assert store.save_pipeline(PIPELINE) == first
    assert path.stat().st_mtime_ns == written


def test_a_pipeline_comes_back_as_it_was(store: SnapshotStore):
    """Reading a snapshot gives the value that was written."""
    assert store.load_pipeline(store.save_pipeline(PIPELINE)) == PIPELINE


def test_a_record_comes_back_as_it_was(store: SnapshotStore):
    """A project is found by the name of its DAG."""
    store.save_project(RECORD)

    assert store.projects() == ["group__project"]
    assert store.load_project("group__project") == RECORD


def test_a_missing_snapshot_says_what_to_do(store: SnapshotStore):
    """The error names the file and the way out."""
    with pytest.raises(SourceError, match="sync"):
        store.load_pipeline("nope")


def test_a_broken_snapshot_says_what_to_do(store: SnapshotStore):
    """A file of another version, or half of one, is an error in words."""
    store.save_project(RECORD)
    (store.folder / "projects" / "group__project.json").write_text('{"project": 1}')

    with pytest.raises(SourceError, match="cannot be read"):
        store.load_project("group__project")


def test_nothing_half_written_is_left(store: SnapshotStore):
    """Files appear whole: no temporary file stays."""
    store.save_pipeline(PIPELINE)
    store.save_project(RECORD)

    assert not list(store.folder.rglob(".new-*"))

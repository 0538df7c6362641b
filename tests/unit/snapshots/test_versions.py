"""Versions of DAG bundles: what a DAG showed at an earlier moment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from factories import make_dag_record, make_job, make_pipeline
from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.records.copies import CopiedStore
from gitlab_ci_provider.records.folder import FolderStore
from gitlab_ci_provider.snapshots.dag_copies import Copied, DagCopies
from gitlab_ci_provider.snapshots.leftovers import Leftovers
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.snapshots.versions import moment_of, version_of
from stores import MemoryStore, save_dag

DAY = 24 * 3600
FIRST, SECOND = make_pipeline(make_job("a")), make_pipeline(make_job("b"))
EDITED = make_pipeline(make_job("a", script=Script(main=("echo edited",))))


class Installation:
    """A state, a clock, and machines that share nothing else."""

    def __init__(self, folder: Path):
        self.folder, self.now = folder, 1_000_000.0
        self.records = MemoryStore()
        self.store = SnapshotStore(self.records, clock=lambda: self.now)
        self.processor = self.machine("processor")
        self.seen: dict[str, Copied] = {}

    def machine(self, name: str) -> DagCopies:
        local = FolderStore(self.folder / name / "copies")
        shared = SnapshotStore(CopiedStore(self.records, local))
        folder = self.folder / name / "dags"
        folder.mkdir(parents=True)
        return DagCopies(shared=shared, local=SnapshotStore(local), folder=folder)

    def push(self, pipeline: object, dag: str = "one") -> str:
        """Sync a commit, and have the DAG processor see it; the version that it names."""
        self.now += 1
        digest = self.store.save_pipeline(pipeline)  # type: ignore[arg-type]
        last = self.store.find_dag(dag) or make_dag_record(dag_id=dag)
        sha = f"{int(self.now):040x}"
        save_dag(self.store, replace(last, digest=digest, ref=replace(last.ref, sha=sha)))
        return self.version()

    def version(self) -> str:
        """Refresh, and name the version."""
        self.seen = self.processor.changed(self.seen)
        return version_of({dag: copied.changed_at for dag, copied in self.seen.items()})

    def shown(self, version: str, dag: str = "one") -> object:
        """Initialize a version on a machine that has nothing; what its DAG file shows then."""
        bare = self.machine(f"bare-{dag}-{version}-{self.now}")
        bare.earlier(version, dag)
        text = (bare.folder / f"{dag}.py").read_text()
        moment = bare.shared.versions.at(dag, version)
        assert f'load_dag("{dag}", "{moment}")' in text
        local = bare.local
        return local.load_pipeline(local.versions.load(dag, moment).digest)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An empty one."""
    return Installation(tmp_path)


def test_any_version_can_be_had_on_a_bare_machine(installation: Installation):
    """Whatever has happened to the DAG since; other DAGs have not changed it."""
    first = installation.push(FIRST)
    installation.push(SECOND, dag="other")
    second = installation.push(SECOND)
    third = installation.push(FIRST)

    assert len({first, second, third}) == 3
    assert installation.shown(first) == FIRST
    assert installation.shown(second) == SECOND
    assert installation.shown(third) == FIRST
    assert installation.shown(third, "other") == SECOND


def test_each_change_of_a_file_is_a_version(installation: Installation):
    """Airflow looks for files only then; of an edited script nothing is stored for it."""
    first = installation.push(FIRST)
    entries = list(installation.records.keys("snapshots/shown/"))

    edited = installation.push(EDITED)

    assert edited != first
    assert list(installation.records.keys("snapshots/shown/")) == entries
    assert installation.shown(edited) == FIRST, "the same jobs; a run reads its own scripts"


def test_a_dag_that_is_gone_makes_a_version(installation: Installation):
    """Else Airflow would not notice; the older version has it still."""
    installation.push(FIRST, dag="gone")
    before = installation.push(FIRST)
    installation.store.drop_dag("gone")

    assert installation.version() != before
    assert installation.shown(before, "gone") == FIRST


def test_processors_name_the_same_version(installation: Installation):
    """They would refresh for ever, each because the other one's differs."""
    version = installation.push(FIRST)
    other = installation.machine("second-processor").changed({})

    assert version_of({dag: copied.changed_at for dag, copied in other.items()}) == version
    assert version_of({}) == ""


def test_later_changes_are_later_whatever_the_clocks_say(installation: Installation):
    """Another machine's clock may be behind."""
    first = installation.push(FIRST)
    installation.now -= 100
    second = installation.push(SECOND)

    assert second > first
    assert (installation.shown(first), installation.shown(second)) == (FIRST, SECOND)


@pytest.mark.parametrize("version", ["19700101T000000.000Z-00000000", "../../x", "1"])
def test_a_version_that_is_not_there_is_an_error_in_words(installation: Installation, version: str):
    """With what to do."""
    installation.push(FIRST)

    with pytest.raises(StateError, match=r"DAG one is not known .* clear its tasks in the newest"):
        installation.machine("bare").earlier(version, "one")


def test_a_damaged_copy_is_replaced(installation: Installation):
    """A machine that lost its power may have half a file."""
    version = installation.push(FIRST)
    worker = installation.machine("worker")
    worker.earlier(version, "one")
    moment = worker.shared.versions.at("one", version)
    for copy in (installation.folder / "worker" / "copies").rglob("*.json"):
        copy.write_bytes(copy.read_bytes()[:20])

    worker.earlier(version, "one")

    digest = worker.local.versions.load("one", moment).digest
    assert worker.local.load_pipeline(digest) == FIRST


def test_a_second_task_of_a_version_asks_for_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
):
    """What one task has copied is there for the others, whatever happens to the state."""
    version = installation.push(FIRST)
    worker = installation.machine("worker")
    worker.earlier(version, "one")
    monkeypatch.setattr(MemoryStore, "read", None)
    monkeypatch.setattr(MemoryStore, "keys", None)

    worker.earlier(version, "one")

    monkeypatch.undo()
    (worker.folder / "one.py").unlink()
    worker.earlier(version, "one")
    assert "load_dag" in (worker.folder / "one.py").read_text()


def test_without_the_name_of_a_dag_all_are_copied(installation: Installation):
    """As they were."""
    installation.push(FIRST)
    version = installation.push(SECOND, dag="two")
    bare = installation.machine("bare")

    bare.earlier(version)

    assert sorted(path.name for path in bare.folder.iterdir()) == ["one.py", "two.py"]


def test_versions_are_kept_for_a_time(installation: Installation):
    """With their pipelines; what a DAG shows now stays."""
    first = installation.push(FIRST)
    second = installation.push(SECOND)
    leftovers = Leftovers(store=installation.store, keep=30 * DAY)

    def pruned_after(days: int) -> None:
        for _ in range(days):
            installation.now += DAY
            leftovers.prune()

    pruned_after(29)
    assert installation.shown(first) == FIRST
    pruned_after(33)
    with pytest.raises(StateError, match="is not known any more"):
        installation.shown(first)
    assert installation.shown(second) == SECOND
    installation.store.drop_dag("one")
    pruned_after(2)
    assert list(installation.records.keys("snapshots/shown/")) == []


def test_moments_are_in_the_order_of_times():
    """Also where thousandths are not exact."""
    times = [1_000_000.0 + number * 0.001 for number in range(2000)]

    moments = [moment_of(time) for time in times]

    assert moments == sorted(set(moments))

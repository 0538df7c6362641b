"""Copies of DAGs on a machine that parses their files without a network."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from factories import make_dag_record, make_job, make_pipeline
from gitlab_ci_provider.exceptions import StateAwayError, StateError
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.diagnostic import SourceLocation as At
from gitlab_ci_provider.model.diagnostic import error
from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.records.copies import CopiedStore
from gitlab_ci_provider.records.folder import FolderStore
from gitlab_ci_provider.snapshots.dag_copies import DagCopies
from gitlab_ci_provider.snapshots.dag_files import write_dag_file
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.store import SnapshotStore, StoredDag
from stores import MemoryStore, save_dag

PIPELINE, OTHER = make_pipeline(make_job("a")), make_pipeline(make_job("b"))


@dataclass(frozen=True)
class Machine:
    """A machine, and the store that it shares with others."""

    shared: SnapshotStore
    copies: DagCopies

    def sync(self, name: str, pipeline: object = PIPELINE) -> DagRecord:
        """Store what a DAG shows, as a sync on another machine does."""
        digest = self.shared.save_pipeline(pipeline)  # type: ignore[arg-type]
        record = replace(make_dag_record(), dag_id=name, digest=digest)
        save_dag(self.shared, record)
        return record

    def files(self) -> list[str]:
        return sorted(path.name for path in self.copies.folder.iterdir())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without any copy."""
    folder = tmp_path / "dags"
    folder.mkdir()
    store, local = MemoryStore(), FolderStore(tmp_path / "copies")
    seen_here = SnapshotStore(CopiedStore(store, local))
    copies = DagCopies(shared=seen_here, local=SnapshotStore(local), folder=folder)
    return Machine(shared=SnapshotStore(store), copies=copies)


def failing(name: str, digest: str = "") -> DagRecord:
    """Describe a DAG whose last commit does not compile."""
    problem = error("jobs-none-visible", "no jobs", At(file=".gitlab-ci.yml", line=3))
    return replace(make_dag_record(), dag_id=name, digest=digest, diagnostics=(problem,))


def test_a_commit_that_does_not_compile_has_a_file_of_its_own(machine: Machine):
    """The DAG's file stays; the other one goes when the next commit compiles."""
    one = machine.sync("one")
    save_dag(machine.shared, failing("one", one.digest))
    save_dag(machine.shared, failing("never"))
    problems = machine.copies.folder / "problems"

    seen = machine.copies.changed({})

    assert machine.files() == ["one.py", "problems"]
    assert sorted(path.name for path in problems.iterdir()) == ["never.py", "one.py"]
    assert 'raise problems_of("one")' in (problems / "one.py").read_text()

    save_dag(machine.shared, one)
    machine.shared.drop_dag("never")
    machine.copies.changed(seen)
    assert list(problems.iterdir()) == []
    assert machine.files() == ["one.py", "problems"]


def test_the_name_of_a_project_is_no_program(machine: Machine):
    """Whatever a server calls a project, it cannot leave the comment of the DAG file."""
    hostile = replace(make_dag_record().project, path='a"""\nraise SystemExit\n"""')
    save_dag(machine.shared, replace(failing("one", machine.sync("one").digest), project=hostile))

    machine.copies.changed({})

    for file in ("one.py", "problems/one.py"):
        lines = (machine.copies.folder / file).read_text().splitlines()
        assert "raise SystemExit" not in lines


@pytest.mark.parametrize("name", ['x")\nraise SystemExit("', "../../x", "other"])
def test_a_record_of_another_name_becomes_no_file(machine: Machine, name: str):
    """Who can write into the state can have no file written, and no program, of their choice."""
    record = replace(machine.sync("a"), dag_id=name)
    machine.shared.change_dag("a", lambda stored: stored and replace(stored, record=record))
    machine.shared.records.write("snapshots/shown/a/20260131T120000.250Z.json", encode(record))

    machine.copies.changed({})
    with pytest.raises(StateError, match="not the record of a"):
        machine.copies.earlier("20260131T120000.250Z-3fa9c1b2", "a")

    assert machine.files() == []


def test_the_digest_of_a_record_is_no_program(machine: Machine):
    """Nor can it end the text in which it stands."""
    record = replace(machine.sync("a"), digest='"""\nraise SystemExit\n"""')

    write_dag_file(record, machine.copies.folder)

    tree = ast.parse((machine.copies.folder / "a.py").read_text())
    assert not any(isinstance(node, ast.Raise) for node in ast.walk(tree))


def test_a_bundle_copies_the_dags_of_its_projects(machine: Machine):
    """With those of their refs and children; others of the same state are not its own."""
    for name in ("mine", "mine..branch", "other", "mine2"):
        machine.sync(name)

    seen = machine.copies.changed({}, frozenset({"mine", "other"}))
    assert machine.files() == ["mine..branch.py", "mine.py", "other.py"]

    machine.copies.changed(seen, frozenset({"mine"}))
    assert machine.files() == ["mine..branch.py", "mine.py"]


def test_what_has_changed_is_copied(machine: Machine):
    """Then the machine can parse without the store; holds are not copied."""
    one, two = machine.sync("one"), machine.sync("two")
    Holds(machine.shared).take("one", "run", one.digest)

    seen = machine.copies.changed({})

    local = machine.copies.local
    assert (local.load_dag("one"), local.load_dag("two")) == (one, two)
    assert local.load_pipeline(one.digest) == PIPELINE
    assert Holds(local).runs("one") == {}
    assert machine.files() == ["one.py", "two.py"]

    changed = machine.sync("two", OTHER)
    assert machine.copies.changed(seen) != seen
    assert local.load_dag("two") == changed


def test_a_file_is_another_when_schedules_have_changed(machine: Machine):
    """Airflow reads a file that is the same as before only minutes later."""
    record, file = machine.sync("one"), machine.copies.folder / "one.py"
    seen, texts = machine.copies.changed({}), [file.read_text()]
    schedule = PipelineSchedule(id=1, ref="refs/heads/main", cron="1 2 * * *")

    for found in (schedule, replace(schedule, cron="3 4 * * *")):
        save_dag(machine.shared, replace(record, schedules=(found,)))
        seen = machine.copies.changed(seen)
        texts.append(file.read_text())

    assert len({*texts}) == 3
    compile(texts[-1], "one.py", "exec")


def test_what_has_not_changed_is_not_read_again(machine: Machine):
    """A refresh costs one listing, however many DAGs there are."""
    machine.sync("one")
    seen = machine.copies.changed({})
    (machine.copies.folder / "one.py").unlink()

    assert machine.copies.changed(seen) == seen
    assert machine.files() == []


def test_what_is_gone_is_removed(machine: Machine):
    """Its copy and its file, but no file of others."""
    machine.sync("one")
    machine.sync("two")
    seen = machine.copies.changed({})
    (machine.copies.folder / "other.py").write_text("# somebody else's")
    machine.shared.change_dag("one", lambda _: None)

    machine.copies.changed(seen)

    assert machine.files() == ["other.py", "two.py"]
    assert machine.copies.local.dags() == ["two"]


def test_a_listing_that_lags_removes_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    """A DAG that a run on this machine has just made may not be listed yet."""
    machine.sync("one")
    machine.sync("new")
    machine.copies.changed({})
    versions = machine.copies.shared.dag_versions()
    monkeypatch.setattr(SnapshotStore, "dag_versions", lambda _: {"one": versions["one"]})

    machine.copies.changed({})

    assert machine.files() == ["new.py", "one.py"]


def test_no_state_is_an_error_and_removes_nothing(machine: Machine):
    """A wrong bucket or prefix must not look like an installation without projects."""
    machine.sync("one")
    machine.copies.changed({})
    empty = replace(machine.copies, shared=SnapshotStore(MemoryStore()))

    with pytest.raises(StateError, match="there is no state in memory:"):
        empty.changed({})

    assert machine.files() == ["one.py"]


def test_a_dag_that_cannot_be_read_keeps_its_last_copy(machine: Machine):
    """The others are copied, and it is tried again."""
    machine.sync("one")
    old = machine.sync("two")
    seen = machine.copies.changed({})
    machine.sync("one", OTHER)
    machine.shared.records.write("snapshots/dags/two.json", b"{")

    assert set(machine.copies.changed(seen)) == {"one"}

    local = machine.copies.local
    assert local.load_pipeline(local.load_dag("one").digest) == OTHER
    assert local.load_dag("two") == old


def test_a_state_that_goes_away_is_not_asked_for_each_dag(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
):
    """Each would wait for it, and the DAG processor parse no files meanwhile."""
    for number in range(100):
        machine.sync(f"dag{number}")
    asked: list[str] = []

    def away(_: object, name: str) -> StoredDag:
        asked.append(name)
        raise StateAwayError(name)

    monkeypatch.setattr(SnapshotStore, "load_stored", away)

    with pytest.raises(StateAwayError):
        machine.copies.changed({})

    assert len(asked) < 100


def test_a_worker_copies_one_dag(machine: Machine):
    """That of its task; one that does not exist is an error that names it."""
    machine.sync("one")
    machine.sync("two")

    machine.copies.one("one")

    assert machine.files() == ["one.py"]
    with pytest.raises(StateError, match=r"dags/three\.json does not exist"):
        machine.copies.one("three")


def test_a_damaged_copy_is_replaced(machine: Machine):
    """A machine that lost its power may have half a file, an upgraded one a file of before."""
    record = machine.sync("one")
    machine.copies.one("one")
    machine.copies.local.records.write("snapshots/dags/one.json", b'{"rec')

    machine.copies.one("one")

    assert machine.copies.local.load_dag("one") == record


def test_in_a_shared_folder_holds_stay(tmp_path: Path):
    """There the copy is the original: nothing of it is overwritten."""
    store = SnapshotStore(FolderStore(tmp_path))
    record = replace(make_dag_record(), digest=store.save_pipeline(PIPELINE))
    save_dag(store, record)
    Holds(store).take(record.dag_id, "run", record.digest)
    same = SnapshotStore(FolderStore(tmp_path))

    DagCopies(shared=store, local=same, folder=tmp_path).changed({})

    assert list(Holds(store).runs(record.dag_id)) == ["run"]

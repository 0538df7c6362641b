"""The register of pipelines: numbers and ends."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from factories import MAIN, make_entry
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.records import register as module
from gitlab_ci_provider.records.folder import FolderStore
from gitlab_ci_provider.records.register import Register
from gitlab_ci_provider.records.store import RecordStore


@pytest.fixture
def register(records: RecordStore) -> Register:
    return Register(records)


def enter(register: Register, run: str, **changes: object) -> PipelineEntry:
    return register.enter(make_entry(run_id=run, **changes))


def test_pipelines_are_numbered_per_project_and_per_installation(register: Register):
    """CI_PIPELINE_IID counts in a project, CI_PIPELINE_ID over all of them."""
    first = enter(register, "a")
    other = enter(register, "b", project="group/other")
    second = enter(register, "c")

    assert [(one.id, one.iid) for one in (first, other, second)] == [(1, 1), (2, 1), (3, 2)]


def test_dags_of_one_project_share_its_numbers(register: Register):
    """The DAG of another ref or of a child pipeline counts on where the project's DAG was."""
    enter(register, "a")

    assert enter(register, "a", dag_id="group__project..feature").iid == 2


def test_a_run_finds_its_number_again(register: Register):
    """A cleared `create_pipeline` keeps the number, and its pipeline runs again."""
    first = enter(register, "a")
    enter(register, "b")
    register.finish(first.id, "failed")

    again = enter(register, "a")

    assert (again.id, again.iid, again.status) == (1, 1, "running")
    assert [one.id for one in register.running("group/project", MAIN)] == [2, 1]


def test_a_reserved_number_is_that_of_the_run_named_by_it(register: Register):
    """In whichever DAG of the project the run ends up; others do not get it."""
    run = register.reserve("group/project", "main", "ef0a4fdb" * 5)
    assert (run, register.get(1)) == ("1-main-ef0a4fdb", None)

    other = enter(register, "a")
    foreign = enter(register, run, project="group/other")
    own = enter(register, run, dag_id="group__project..feature")

    assert (other.id, foreign.id, own.id, own.iid) == (2, 3, 1, 2)
    assert (
        register.of_run("group__project..feature", run)
        == own
        == enter(register, run, dag_id="group__project..feature")
    )
    assert enter(register, run, dag_id="group__project..other").id == 4


def test_ids_of_runs_from_before_are_passed_over(register: Register):
    """A state that was deleted counts from 1 again; Airflow still has its runs."""
    known = {"1-main", "2-main"}

    assert register.reserve("group/project", "main", taken=known.__contains__) == "3-main"


def test_a_process_that_died_while_it_entered_a_reserved_number_leaves_it_to_the_next(
    register: Register, records: RecordStore, monkeypatch: Any
):
    """The run's ID names its pipeline, whatever happens."""
    run = register.reserve("group/project", "main")
    with monkeypatch.context() as dying:
        dying.setattr(Register, "_mark", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            enter(register, run)
    for key in list(records.keys("register/runs/")):
        records.delete(key)

    assert enter(register, run).id == 1


def test_a_downstream_run_has_one_name_for_one_occasion(register: Register):
    """Every process that handles the trigger finds the run that another one may have started."""
    ref = Ref(name="main", sha="ef0a4fdb" * 5)

    def name(trigger: str, run: str = "a") -> str:
        above = "group__project"
        return register.reserve_downstream(above, run, trigger, project="group/project", ref=ref)

    assert (name("one"), name("two"), name("one", run="b")) == (
        "1-main-ef0a4fdb",
        "2-main-ef0a4fdb",
        "3-main-ef0a4fdb",
    )
    assert name("one") == "1-main-ef0a4fdb"
    assert enter(register, "1-main-ef0a4fdb", dag_id="group__project...child").id == 1


def test_names_of_downstream_runs_are_forgotten_with_the_pipeline_above(
    register: Register, records: RecordStore, monkeypatch: Any
):
    """Nobody asks for them any more."""
    monkeypatch.setattr(module, "NEWEST", 0)
    above = enter(register, "a")
    register.reserve_downstream("group__project", "a", "t", project="group/project", ref=MAIN)
    register.finish(above.id, "success")
    assert list(records.keys("register/downstream/"))

    register.forget(datetime.now(UTC).timestamp() + 3600)

    assert list(records.keys("register/downstream/")) == []


def test_a_number_whose_run_was_never_started_is_forgotten(
    register: Register, records: RecordStore
):
    """With the pipelines of its time; it is not assigned again."""
    register.reserve("group/project", "main")
    assert register.forget(datetime.now(UTC).timestamp() - 3600) == 0
    assert register.forget(datetime.now(UTC).timestamp() + 3600) == 1
    assert list(records.keys("register/pipelines/0/")) == []
    assert enter(register, "a").id == 2


def test_old_pipelines_are_forgotten(register: Register, records: RecordStore, monkeypatch: Any):
    """But open ones, the newest of each ref and of those that have passed; numbers go on."""
    monkeypatch.setattr(module, "NEWEST", 1)
    old, new = {"created_at": "2026-01-01T00:00:00Z"}, {"created_at": "2026-03-01T00:00:00Z"}
    passed, failed, is_open, latest, young = (
        enter(register, run, **given)
        for run, given in zip("abcde", (old, old, old, old, new), strict=True)
    )
    tag = enter(register, "f", ref=Ref(name="v1", sha="1" * 40, kind=RefKind.TAG), **old)
    for entry in (passed, failed, latest, young, tag):
        register.finish(entry.id, "success" if entry in (passed, tag) else "failed")
    there = len(list(records.keys("register/")))

    assert register.forget(datetime(2026, 2, 1, tzinfo=UTC).timestamp()) == 2

    kept = [number for number in range(1, 7) if register.get(number)]
    assert kept == [passed.id, is_open.id, young.id, tag.id]
    assert register.of_run(failed.dag_id, failed.run_id) is None
    assert len(list(records.keys("register/"))) == there - 2 * 4
    assert enter(register, "g").id == 7


def _enter_many(place: tuple[Path, int]) -> list[tuple[int, int]]:
    folder, worker = place
    register = Register(FolderStore(folder))
    made = [enter(register, f"{worker}-{number}") for number in range(25)]
    return [(one.id, one.iid) for one in made]


def test_workers_at_the_same_time_never_share_a_number(tmp_path: Path):
    """Numbers are unique and without gaps however many processes ask at once."""
    with ProcessPoolExecutor(4) as pool:
        found = pool.map(_enter_many, [(tmp_path, worker) for worker in range(4)])
        made = [pair for pairs in found for pair in pairs]

    assert sorted(number for number, _ in made) == list(range(1, 101))
    assert sorted(iid for _, iid in made) == list(range(1, 101))


def _enter_same(folder: Path) -> tuple[int, int]:
    entry = enter(Register(FolderStore(folder)), "same")
    return entry.id, entry.iid


def test_one_run_created_twice_at_once_has_one_number(tmp_path: Path):
    """A task that Airflow started a second time while the first still ran agrees with it."""
    with ProcessPoolExecutor(4) as pool:
        made = set(pool.map(_enter_same, [tmp_path] * 8))

    assert len(made) == 1


def test_the_latest_successful_pipeline_of_a_ref_is_found(register: Register):
    """Failed and unfinished pipelines, and those of other refs, are passed over."""
    good, bad, _ = (enter(register, run) for run in ("a", "b", "c"))
    tag = enter(register, "d", ref=Ref(name="main", sha="2" * 40, kind=RefKind.TAG))
    register.finish(good.id, "success")
    register.finish(bad.id, "failed")
    register.finish(tag.id, "success")

    found = register.latest("group/project", MAIN, status="success")

    assert found is not None
    assert (found.id, found.status) == (good.id, "success")


def test_a_pipeline_that_fails_when_run_again_is_no_longer_successful(register: Register):
    """The end of the last try counts."""
    entry = enter(register, "a")
    register.finish(entry.id, "success")
    register.finish(entry.id, "failed")

    assert register.latest("group/project", MAIN, status="success") is None


def test_running_pipelines_of_a_ref_are_listed_newest_first(register: Register):
    """Auto-cancel asks which older pipelines of a ref still run."""
    first, second, third = (enter(register, run) for run in ("a", "b", "c"))
    register.finish(second.id, "canceled")

    assert [one.id for one in register.running("group/project", MAIN)] == [third.id, first.id]


def test_names_that_differ_in_case_or_signs_only_are_different_refs(register: Register):
    """`Feature`, `feature` and `feature/` never share their pipelines."""
    enter(register, "a", ref=replace(MAIN, name="Feature"))

    assert register.latest("group/project", replace(MAIN, name="feature")) is None
    assert register.latest("group/project", replace(MAIN, name="Feature/")) is None


def test_a_lost_hint_is_made_good(register: Register, records: RecordStore):
    """The number given out last is a hint: without it numbers go on where they were."""
    enter(register, "a")
    for key in list(records.keys("register/")):
        if key.endswith("/last"):
            records.delete(key)

    assert enter(register, "b").id == 2


def test_numbers_of_a_ref_are_listed_newest_first(register: Register):
    """Beyond the tenth, too, where the order of names would be another."""
    for number in range(12):
        enter(register, str(number))

    assert list(register.numbers("group/project", MAIN)) == list(range(12, 0, -1))


def test_an_unknown_pipeline_is_none(register: Register):
    """Asking for what was never there is no error."""
    assert register.get(7) is None
    assert register.latest("nobody/nothing", MAIN) is None
    register.finish(7, "success")

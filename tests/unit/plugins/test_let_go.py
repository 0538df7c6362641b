"""What a run releases when it ends, without keeping the scheduler waiting."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from factories import make_dag_record, make_entry, make_job, make_pipeline
from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.plugins import let_go
from gitlab_ci_provider.records.folder import FolderStore
from gitlab_ci_provider.settings import Settings, load_settings
from gitlab_ci_provider.state import State, open_state
from stores import save_dag

DAG, RUN = make_dag_record().dag_id, "run"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """A state in which a run holds its DAG."""
    monkeypatch.setenv("AIRFLOW__GITLAB_CI__HOME", str(tmp_path))
    state = open_state(load_settings())
    digest = state.snapshots.save_pipeline(make_pipeline(make_job("a")))
    save_dag(state.snapshots, replace(make_dag_record(), digest=digest))
    state.holds.take(DAG, RUN, digest)
    return state


def test_a_run_that_has_ended_releases_its_dag(state: State):
    """And counts as canceled if nothing has said how it ended."""
    entered = state.register.enter(make_entry(dag_id=DAG, run_id=RUN))

    let_go.let_go(DAG, RUN)

    assert state.holds.runs(DAG) == {}
    ended = state.register.get(entered.id)
    assert ended is not None
    assert ended.status == "canceled"


def test_the_scheduler_does_not_wait_for_an_object_store(
    state: State, monkeypatch: pytest.MonkeyPatch
):
    """A store that is away for long keeps a thread, and the runs that ended meanwhile wait."""
    monkeypatch.setenv("AIRFLOW__GITLAB_CI__STATE_CONN_ID", "gitlab_ci_state")
    back, done = threading.Event(), threading.Event()
    failed: list[int] = []

    def opened(settings: Settings) -> State:
        back.wait(60)
        if not failed:
            failed.append(1)
            raise StateError("the store is away")
        done.set()
        return state

    monkeypatch.setattr(let_go, "open_state", opened)

    let_go.let_go(DAG, "another run")
    let_go.let_go(DAG, RUN)
    assert not done.is_set()
    back.set()

    assert done.wait(60)


def test_a_scheduler_that_does_not_see_the_state_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Later runs find out what it could not release."""
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("AIRFLOW__GITLAB_CI__HOME", str(tmp_path / "file"))
    with pytest.raises(StateError):
        FolderStore(tmp_path / "file").write("a", b"1")

    let_go.let_go(DAG, RUN)

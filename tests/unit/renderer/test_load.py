"""What is read when a DAG file is parsed: copies on this machine, never a network."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from factories import make_dag_record, make_job, make_pipeline
from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.renderer.load import load_dag, load_dags
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_copies, open_state
from stores import save_dag


@pytest.fixture(params=["", "gitlab_ci_state"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, with the state in it or in an object store that nobody may ask."""

    def refuse(*_: Any) -> NoReturn:
        raise AssertionError("parsing uses the network")

    monkeypatch.setenv("AIRFLOW__GITLAB_CI__HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__GITLAB_CI__STATE_CONN_ID", request.param)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tmp_path


def test_a_dag_is_rendered_from_copies(home: Path):
    """Its record and its pipeline are all that is needed."""
    copies = open_copies(load_settings())
    digest = copies.save_pipeline(make_pipeline(make_job("a")))
    save_dag(copies, replace(make_dag_record(), digest=digest))
    name = make_dag_record().dag_id

    assert "a" in load_dag(name).task_ids
    assert list(load_dags()) == [name]


@pytest.mark.parametrize(
    ("running", "jobs"), [("b", {"b"}), ("create_pipeline", {"a", "b"}), ("gone", {"a", "b"})]
)
def test_the_process_of_a_job_makes_no_other_jobs(
    home: Path, running: str, jobs: set[str], monkeypatch: pytest.MonkeyPatch
):
    """A thousand tasks would make a million; those that ask for the others still have them."""
    copies = open_copies(load_settings())
    digest = copies.save_pipeline(make_pipeline(make_job("a"), make_job("b")))
    save_dag(copies, replace(make_dag_record(), digest=digest))
    name = make_dag_record().dag_id

    # Airflow's own context manager would leave both variables to the tests that follow.
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", name)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", running)

    assert set(load_dag(name).task_ids) - {"create_pipeline", "finish_pipeline"} == jobs


def test_missing_state_is_an_error_never_no_dags(home: Path):
    """Airflow would take an empty file for one whose DAGs were deleted."""
    with pytest.raises(StateError, match=r"there is no state in .*: (sync|this machine)"):
        load_dags()
    with pytest.raises(StateError, match=r"shop\.json does not exist: (sync|this machine)"):
        load_dag("shop")


def test_opening_asks_nobody(home: Path):
    """Each task opens the state; what it does not need, it does not pay for."""
    open_state(load_settings())

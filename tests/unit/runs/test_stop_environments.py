"""Which environments are stopped, and by which job."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from factories import PROJECT, make_dag_record, make_entry, make_run
from gitlab_ci_provider.model.environment import Deployment, EnvironmentRecord
from gitlab_ci_provider.model.names import CREATE_PIPELINE
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.model.rules import JobDecision, When
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.runs import stop_environments
from gitlab_ci_provider.runs.record import plain
from gitlab_ci_provider.runs.stop_environments import StopJob, stop_due
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import State, open_state
from servers.repositories import git, make_repository
from stores import save_dag
from unit.runs.support import make_task

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PASSED, LATER = "2026-01-31T11:59:59+00:00", "2026-01-31T12:00:01+00:00"
STOP = StopJob(environment="review", dag="group__project", run="run-0", task="stop")


class Airflow:
    """The XComs of the run that deployed."""

    def __init__(self, **left: Any):
        self.left = left

    def xcom_pull(self, *, dag_id: str, run_id: str, task_ids: str, key: str) -> Any:
        assert (dag_id, run_id) == ("group__project", "run-0")
        return self.left.get("pipeline" if task_ids == CREATE_PIPELINE else task_ids)


def in_pipeline(status: JobStatus | None = JobStatus.MANUAL, *, present: bool = True) -> Airflow:
    """Make a run with the job `stop`, which has ended like this."""
    run = make_run(decisions={"stop": JobDecision(job="stop", present=present, when=When.MANUAL)})
    ended = {} if status is None else {"stop": plain(JobResult(status=status))}
    return Airflow(pipeline=plain(run), **ended)


@pytest.fixture(autouse=True)
def unpaused(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Name the DAGs that are paused: none yet."""
    paused: set[str] = set()
    monkeypatch.setattr(stop_environments, "dag_is_paused", paused.__contains__)
    return paused


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The project's repository, with a branch `topic`."""
    make_repository(tmp_path / "work", {"a": "b"})
    git(tmp_path / "work", "branch", "topic")
    return tmp_path / "work"


@pytest.fixture
def state(tmp_path: Path, repository: Path) -> State:
    """A project with a pipeline that has deployed."""
    opened = open_state(Settings(home=tmp_path))
    project = replace(PROJECT, clone_url=repository.as_uri())
    save_dag(opened.snapshots, make_dag_record(project=project))
    opened.register.enter(make_entry())
    return opened


def deploy(
    state: State,
    *,
    stops: str = PASSED,
    on_stop: str = "stop",
    pipeline: int = 1,
    ref: str = "main",
) -> None:
    """Record that `review` was deployed to."""
    deployment = Deployment(
        environment="review",
        ref=ref,
        sha="a",
        pipeline=pipeline,
        job="deploy",
        finished_at=PASSED,
        on_stop=on_stop,
    )
    record = EnvironmentRecord(
        name="review", slug="review", tier="other", auto_stop_at=stops, deployment=deployment
    )
    state.environments.change(PROJECT.path, "review", lambda _: record)


def look(tmp_path: Path, airflow: Airflow) -> list[StopJob]:
    """Look for what is to be stopped."""
    return stop_due(make_task(Settings(home=tmp_path), {"ti": airflow}), NOW)


def review(state: State) -> str:
    """Read the state of the environment."""
    record = state.environments.get(PROJECT.path, "review")
    assert record is not None
    return str(record.state)


def test_the_on_stop_job_is_played_once_the_time_has_passed(state: State, tmp_path: Path):
    """Its success stops the environment, as when a person plays it."""
    deploy(state, stops=LATER)
    before = look(tmp_path, in_pipeline())
    deploy(state)

    assert (before, look(tmp_path, in_pipeline())) == ([], [STOP])
    assert review(state) == "available"


@pytest.mark.parametrize("status", [None, JobStatus.FAILED, JobStatus.SKIPPED, JobStatus.CANCELED])
def test_only_a_job_that_nobody_has_played_is_played(
    state: State, tmp_path: Path, status: JobStatus | None
):
    """One that runs would be ended, and one that has failed would fail every hour."""
    deploy(state)

    assert look(tmp_path, in_pipeline(status)) == []
    assert review(state) == "available"


def test_nothing_is_played_in_a_paused_dag(state: State, tmp_path: Path, unpaused: set[str]):
    """Airflow would not start it, and it would run when somebody resumes the DAG."""
    deploy(state)
    unpaused.add("group__project")

    assert look(tmp_path, in_pipeline()) == []


@pytest.mark.parametrize(("on_stop", "present"), [("", True), ("stop", False)])
def test_an_environment_without_such_a_job_is_just_stopped(
    state: State, tmp_path: Path, on_stop: str, present: bool
):
    """So does GitLab, also when the rules have left the job out."""
    deploy(state, on_stop=on_stop)

    assert look(tmp_path, in_pipeline(present=present)) == []
    assert review(state) == "stopped"


def test_an_environment_whose_pipeline_is_gone_stays(state: State, tmp_path: Path):
    """What would stop it may still be needed: its resources are there."""
    deploy(state, pipeline=99)

    assert look(tmp_path, Airflow()) == []
    assert review(state) == "available"


def test_an_environment_is_stopped_with_the_branch_that_was_deployed_last(
    state: State, repository: Path, tmp_path: Path
):
    """Its `on_stop` job is played, as when its time is over."""
    deploy(state, stops="", ref="topic")
    before = look(tmp_path, in_pipeline())
    git(repository, "branch", "-D", "topic")

    assert (before, look(tmp_path, in_pipeline())) == ([], [STOP])


@pytest.mark.parametrize("wrong", ["unreachable", "without its default branch"])
def test_a_branch_that_is_not_seen_is_not_taken_for_deleted(
    state: State, repository: Path, tmp_path: Path, wrong: str
):
    """What stops an environment may delete data."""
    deploy(state, stops="", on_stop="", ref="topic")
    git(repository, "branch", "-D", "topic")
    if wrong == "unreachable":
        repository.rename(tmp_path / "away")
    else:
        git(repository, "branch", "-m", "main", "other")

    assert look(tmp_path, in_pipeline()) == []
    assert review(state) == "available"


@pytest.mark.parametrize(
    ("ref", "request_"),
    [(Ref(name="v1", sha="a", kind=RefKind.TAG), 0), (Ref(name="x", sha="a"), 7)],
)
def test_only_branches_take_environments_along(
    state: State, tmp_path: Path, ref: Ref, request_: int
):
    """A tag does not in GitLab, and the branch of a merge request may be that of a fork."""
    entered = state.register.enter(make_entry(run_id="run-1", ref=ref, merge_request=request_))
    deploy(state, stops="", on_stop="", ref=ref.name, pipeline=entered.id)

    assert look(tmp_path, in_pipeline()) == []
    assert review(state) == "available"

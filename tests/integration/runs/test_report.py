"""What GitLab is told of pipelines and jobs, and that it is told once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factories import make_entry, make_job, make_pipeline, make_run
from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.run import JobResult, JobStatus, PipelineRun
from gitlab_ci_provider.plugins.let_go import let_go
from gitlab_ci_provider.runs.context import RunContext, TaskContext
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.report import run as report
from gitlab_ci_provider.runs.report.send import send_left
from gitlab_ci_provider.schedule.pipeline_result import finish
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import State, open_state
from processes.waiting import wait_until
from servers.gitlab.faults import Fault, limit
from servers.gitlab.server import GitLab, gitlab_server
from servers.gitlab.statuses import status_of

pytestmark = pytest.mark.integration

TOKEN = "glpat-of-reports"
PATH = "shop/site"
AIRFLOW = "https://airflow.example.com"
OK = JobResult(status=JobStatus.SUCCESS, coverage=81.5)
FAILED = JobResult(
    status=JobStatus.FAILED, failure_reason=FailureReason.SCRIPT_FAILURE, exit_code=1
)
LATER = 10_000_000_000.0


@dataclass
class Reporting:
    """A pipeline of `build` and `test`, whose GitLab is a stand-in."""

    gitlab: GitLab
    settings: Settings
    sha: str
    pipeline: Any = None

    def __post_init__(self) -> None:
        self.pipeline = make_pipeline(make_job("build", stage="build"), make_job("test"))

    @property
    def record(self) -> PipelineRun:
        """The record of the run, before anything was told."""
        url = f"{self.gitlab.url}/{PATH}.git"
        decisions = {name: JobDecision(job=name, present=True) for name in self.pipeline.jobs}
        return make_run(
            project=Project(path=PATH, clone_url=url),
            ref=Ref(name="main", sha=self.sha),
            decisions=decisions,
            dag_id="shop__site",
            run_id="r1",
        )

    def task(self, name: str = "create_pipeline") -> TaskContext:
        """Make what a task works with."""
        url = f"{AIRFLOW}/dags/shop__site/runs/r1/tasks/{name}?try_number=1"
        ti = SimpleNamespace(dag_id="shop__site", run_id="r1", task_id=name, log_url=url)
        context: Any = {"ti": ti}
        return TaskContext(context=context, settings=self.settings, state=open_state(self.settings))

    def begin(self) -> PipelineRun:
        """Begin, as `create_pipeline` does."""
        return report.begin(self.task(), self.record)

    def begin_registered(self) -> tuple[State, PipelineRun]:
        """Begin a pipeline that others find."""
        state = open_state(self.settings)
        entry = state.register.enter(make_entry(dag_id="shop__site", run_id="r1"))
        return state, report.begin(self.task(), replace(self.record, id=entry.id))

    def job(self, record: PipelineRun, name: str) -> JobRun:
        """Make a try of a job."""
        task = self.task(task_ids(self.pipeline.jobs)[name])
        return JobRun(
            context=task.context,
            settings=task.settings,
            state=task.state,
            record=record,
            pipeline=self.pipeline,
            ended={},
            job=self.pipeline.jobs[name],
            decision=record.decisions[name],
            tasks=frozenset(),
        )

    def run(self, record: PipelineRun, name: str, result: JobResult) -> None:
        """Run a job."""
        job = self.job(record, name)
        with report.told_start(job, first=True):
            pass
        report.tell_end(job, result)

    def end(self, record: PipelineRun, **ended: JobResult) -> tuple[str, ...]:
        """End, as `finish_pipeline` does; what GitLab was not told."""
        task = self.task("finish_pipeline")
        context = RunContext(
            context=task.context,
            settings=task.settings,
            state=task.state,
            record=record,
            pipeline=self.pipeline,
            ended=ended,
        )
        told = report.note_end(context, ended, finish(ended))
        return () if told is None else report.tell_rest(context, told)

    @property
    def statuses(self) -> dict[str, str]:
        """The latest status of each name."""
        return {one["name"]: one["status"] for one in self.all if not one["retried"]}

    @property
    def all(self) -> list[dict[str, Any]]:
        """Every status that there ever was."""
        return self.gitlab.world.projects[PATH].things.get("statuses", [])

    @property
    def left(self) -> list[int]:
        """The pipelines whose reports are still in the state."""
        return [one.pipeline for one in open_state(self.settings).reports.left()]


@pytest.fixture
def reporting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reporting]:
    """A project whose connection reports jobs."""
    with gitlab_server(tmp_path / "gitlab") as running:
        project = running.world.add_project(PATH, {"a": "b"})
        running.world.add_token(TOKEN, levels={"shop": 30})
        connect(monkeypatch, running, "jobs")
        settings = Settings(home=tmp_path / "home", git_conn_ids="gl")
        monkeypatch.setenv("AIRFLOW__GITLAB_CI__HOME", str(settings.home))
        monkeypatch.setenv("AIRFLOW__GITLAB_CI__GIT_CONN_IDS", settings.git_conn_ids)
        yield Reporting(
            running, settings, (project.git("rev-parse", "main") or b"").decode().strip()
        )


def connect(
    monkeypatch: pytest.MonkeyPatch, gitlab: GitLab, level: str, token: str = TOKEN
) -> None:
    extra = {"report": level}
    value = {"conn_type": "gitlab", "host": gitlab.url, "password": token, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_GL", json.dumps(value))


def test_a_pipeline_and_its_jobs_are_told(reporting: Reporting):
    """GitLab's pipeline runs until the end; each status has its address, text and coverage."""
    record = reporting.begin()
    assert reporting.statuses == {"Airflow": "running"}

    reporting.run(record, "build", OK)
    assert reporting.statuses == {"Airflow": "running", "build": "success"}
    assert record.report
    assert status_of(reporting.gitlab.world.projects[PATH], record.report.pipeline) == "running"
    reporting.run(record, "test", FAILED)
    reporting.end(record, build=OK, test=FAILED)

    assert reporting.statuses == {"Airflow": "failed", "build": "success", "test": "failed"}
    by_name = {one["name"]: one for one in reporting.all}
    assert by_name["build"]["target_url"] == f"{AIRFLOW}/plugin/pipelines/shop__site/r1?job=build"
    assert by_name["build"]["coverage"] == 81.5
    assert "exit code 1" in by_name["test"]["description"]
    assert by_name["Airflow"]["description"].startswith("failed: test")
    assert {one["pipeline_id"] for one in reporting.all} == {record.report.pipeline}
    assert len(reporting.all) == 3
    assert reporting.left == []


def test_a_pipeline_costs_three_requests_and_two_a_job(reporting: Reporting):
    """The start, the list at the end and the end; the start and the end of each job."""
    record = reporting.begin()
    reporting.run(record, "build", OK)
    reporting.run(record, "test", OK)
    reporting.end(record, build=OK, test=OK)

    assert len(reporting.gitlab.requests) == 3 + 2 * 2


def test_a_job_that_may_fail_does_not_fail_gitlabs_pipeline(reporting: Reporting):
    """GitLab cannot be told that a failure is allowed, so that the text says it."""
    allowed = replace(FAILED, allowed_failure=True)
    record = reporting.begin()
    reporting.run(record, "build", allowed)
    reporting.end(record, build=allowed, test=OK)

    assert reporting.statuses == {"Airflow": "success", "build": "success", "test": "success"}
    build = next(one for one in reporting.all if one["name"] == "build")
    assert build["description"].startswith("failed, but is allowed to: ")


def test_the_end_tells_what_no_worker_has_told(reporting: Reporting):
    """Skipped and unplayed jobs, one whose worker has died, and one that was told while away."""
    record = reporting.begin()
    with report.told_start(reporting.job(record, "build"), first=True):
        pass  # and its worker dies
    reporting.end(
        record,
        build=JobResult(status=JobStatus.CANCELED, reason="by hand"),
        test=JobResult(status=JobStatus.MANUAL),
    )

    assert reporting.statuses == {"Airflow": "canceled", "build": "canceled", "test": "skipped"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST .*/statuses/", times=1, refuse=True),
        Fault("POST .*/statuses/", times=1, cut=5),
        Fault("POST .*/statuses/", times=1, status=500),
        limit("POST .*/statuses/", times=1, seconds="3600"),
    ],
    ids=["away", "cut", "broken", "limited for an hour"],
)
def test_a_gitlab_that_fails_at_a_jobs_end_fails_no_job(
    reporting: Reporting, fault: Fault, caplog: pytest.LogCaptureFixture
):
    """The log says so, and the end of the pipeline makes up for it; nothing is told twice."""
    record = reporting.begin()
    with report.told_start(reporting.job(record, "build"), first=True):
        pass
    reporting.gitlab.faults.order(fault)
    report.tell_end(reporting.job(record, "build"), OK)
    assert "GitLab was not told how the job has ended: cannot set the status" in caplog.text

    untold = reporting.end(record, build=OK, test=OK)

    assert reporting.statuses == {"Airflow": "success", "build": "success", "test": "success"}
    assert len(reporting.all) == 3
    assert untold == ()


def test_a_rate_limit_is_obeyed(reporting: Reporting):
    """A short one costs a moment."""
    record = reporting.begin()
    reporting.gitlab.faults.order(limit("POST .*/statuses/", times=1, seconds="0"))

    report.tell_end(reporting.job(record, "build"), OK)

    assert reporting.statuses["build"] == "success"


def test_a_commit_whose_statuses_are_busy_is_tried_again(reporting: Reporting):
    """GitLab changes the statuses of a commit one after another, and refuses who waits too long."""
    record = reporting.begin()
    busy = {"message": "Another update to this commit status is in progress"}
    reporting.gitlab.faults.order(Fault("POST .*/statuses/", times=2, status=409, body=busy))

    report.tell_end(reporting.job(record, "build"), OK)

    assert reporting.statuses["build"] == "success"


def test_tasks_that_run_again_tell_nothing_twice(reporting: Reporting):
    """`create_pipeline`, a job and `finish_pipeline`, each killed after it has told GitLab."""
    first, record = reporting.begin(), reporting.begin()
    assert record.report == first.report
    with report.told_start(reporting.job(record, "build"), first=True):
        pass
    reporting.run(record, "build", OK)
    reporting.end(record, build=OK, test=OK)
    reporting.end(record, build=OK, test=OK)

    assert len(reporting.all) == 3


def test_what_was_left_is_told_by_a_later_pipeline(reporting: Reporting):
    """GitLab was away at the end of one; another tells it, once its report has rested."""
    record = reporting.begin()
    reporting.gitlab.faults.order(Fault("/statuses", times=-1, status=403))
    untold = reporting.end(record, build=OK, test=FAILED)
    assert (untold, reporting.left) == (("how the pipeline has ended",), [record.id])
    reporting.gitlab.faults.clear()
    state = open_state(reporting.settings)

    send_left(reporting.settings, state, 0.0)
    assert reporting.statuses == {"Airflow": "running"}
    send_left(reporting.settings, state, LATER)

    assert reporting.statuses == {"Airflow": "failed", "build": "success", "test": "failed"}
    assert reporting.left == []


def test_a_run_that_was_ended_by_hand_does_not_stay_open(reporting: Reporting):
    """Its last task never runs: what is open in GitLab is canceled; a run that goes on is left."""
    state, record = reporting.begin_registered()
    with report.told_start(reporting.job(record, "build"), first=True):
        pass
    reporting.run(record, "test", OK)

    send_left(reporting.settings, state, LATER)
    assert reporting.statuses["Airflow"] == "running"
    state.register.finish(record.id, "canceled")
    send_left(reporting.settings, state, LATER)

    assert reporting.statuses == {"Airflow": "canceled", "build": "canceled", "test": "success"}


def test_gitlab_hears_at_once_of_a_run_that_was_ended_by_hand(reporting: Reporting):
    """A merge request need not wait for the next pipeline; the process that notes the end tells."""
    _, record = reporting.begin_registered()
    reporting.run(record, "test", OK)

    let_go("shop__site", "r1")

    wait_until(lambda: reporting.left == [], "the end of the report")
    assert reporting.statuses == {"Airflow": "canceled", "test": "success"}


def test_gitlab_hears_at_once_of_a_run_that_was_ended_when_it_ran_again(reporting: Reporting):
    """As above, though GitLab had been told of an end before: a job was retried, and now runs."""
    state, record = reporting.begin_registered()
    reporting.end(record, build=OK, test=FAILED)
    state.register.finish(record.id, "failed")
    job = reporting.job(record, "test")
    state.register.reopen(record.id)
    report.begin_again(job)
    with report.told_start(job, first=True):
        pass

    let_go("shop__site", "r1")

    wait_until(lambda: reporting.left == [], "the end of the report")
    assert reporting.statuses == {"Airflow": "failed", "build": "success", "test": "canceled"}
    assert getattr(state.register.get(record.id), "status", "") == "canceled"


def test_a_token_without_the_role_is_said_once_a_task(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The pipeline runs all the same."""
    reporting.gitlab.world.add_token("reader", levels={"shop": 20})
    connect(monkeypatch, reporting.gitlab, "jobs", "reader")

    record = reporting.begin()
    reporting.end(record, build=OK, test=OK)

    assert "that needs the role Developer and the scope `api`" in caplog.text
    assert reporting.statuses == {}


@pytest.mark.parametrize("level", ["none", "pipelines"])
def test_only_what_the_connection_says_is_told(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch, level: str
):
    """Nothing at all, or pipelines without their jobs."""
    connect(monkeypatch, reporting.gitlab, level)

    record = reporting.begin()
    reporting.run(record, "build", OK)
    reporting.end(record, build=OK, test=OK)

    assert reporting.statuses == ({} if level == "none" else {"Airflow": "success"})
    assert len(reporting.gitlab.requests) == (0 if level == "none" else 3)


def test_names_and_addresses_that_gitlab_would_refuse(reporting: Reporting):
    """Authors choose names; GitLab takes 255 characters."""
    reporting.pipeline = make_pipeline(make_job("x" * 300), make_job("ü/../%2e?a=b"))
    record = reporting.begin()
    for name in reporting.pipeline.jobs:
        reporting.run(record, name, OK)
    reporting.end(record, **dict.fromkeys(reporting.pipeline.jobs, OK))

    assert set(reporting.statuses) == {"Airflow", f"{'x' * 254}…", "ü/../%2e?a=b"}
    assert len(reporting.all) == 3
    long = next(one for one in reporting.all if one["name"].startswith("x"))
    assert long["target_url"] == f"{AIRFLOW}/plugin/pipelines/shop__site/r1"


def test_no_token_is_in_the_state_or_a_log(reporting: Reporting, caplog: pytest.LogCaptureFixture):
    """Not even if GitLab sends it back."""
    caplog.set_level(logging.DEBUG)
    record = reporting.begin()
    reporting.gitlab.faults.order(Fault("POST", times=-1, status=400, echo=True))
    reporting.run(record, "build", OK)
    reporting.end(record, build=OK)

    kept = [path.read_text() for path in reporting.settings.home.rglob("*") if path.is_file()]
    assert kept
    assert not any(TOKEN in text for text in kept)
    assert TOKEN not in caplog.text

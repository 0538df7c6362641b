"""Orders to cancel, as jobs meet them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from factories import PROJECT, make_job, make_pipeline, make_run
from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.rules import AllowFailure, JobDecision
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.runs.cancel import jobs as cancel
from gitlab_ci_provider.runs.cancel.auto import cancel_redundant
from gitlab_ci_provider.runs.record import plain
from gitlab_ci_provider.runs.registration import enter
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from unit.runs.support import FakeStore, make_job_run, make_task

ORDER = Cancellation(name="pipeline-2", reason="by pipeline 2", jobs=("job",))


class Airflow:
    """What tasks ask Airflow: states and XComs of runs."""

    def __init__(self) -> None:
        self.states: dict[str, dict[str, str | None]] = {}
        self.xcoms: dict[tuple[str, str], Any] = {}
        self.said: dict[str, Any] = {}
        self.context = {"ti": self, "task_state_store": FakeStore()}

    def get_task_states(
        self, dag_id: str, run_ids: list[str], task_ids: list[str] | None
    ) -> dict[str, Any]:
        return {run: self.states[run] for run in run_ids if run in self.states}

    def xcom_pull(self, *, dag_id: str, run_id: str, task_ids: str, key: str) -> Any:
        return self.xcoms.get((run_id, task_ids))

    def xcom_push(self, key: str, value: Any) -> None:
        self.said[key] = value


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def pipeline(number: int, sha: str = "a") -> PipelineRun:
    return make_run(
        id=None,
        ref=Ref(name="main", sha=sha * 40),
        created_at=f"2026-01-0{number}T00:00:00+00:00",
        dag_id="dag",
        run_id=f"run{number}",
        decisions={"job": JobDecision(job="job", present=True, interruptible=True)},
    )


def job_run(airflow: Airflow, settings: Settings, record: PipelineRun, **decision: Any) -> Any:
    decided, state = replace(record.decisions["job"], **decision), open_state(settings)
    return make_job_run(
        airflow.context,
        settings=settings,
        state=state,
        orders=state.cancellations.of_run(record.dag_id, record.run_id),
        record=record,
        job=make_job("job"),
        decision=decided,
    )


def test_a_job_obeys_an_order_once(settings: Settings):
    """It says that it was canceled, and why; clearing it then runs it."""
    airflow, record = Airflow(), pipeline(1)
    open_state(settings).cancellations.give("dag", "run1", ORDER)

    assert cancel.obey(job_run(airflow, settings, record)) == "by pipeline 2"
    assert airflow.said["job_result"]["status"] == "canceled"
    assert cancel.obey(job_run(airflow, settings, record)) is None


def test_another_order_is_obeyed_too(settings: Settings):
    """A canceled job that was cleared can be canceled again, for another reason."""
    airflow, record = Airflow(), pipeline(1)
    orders = open_state(settings).cancellations
    orders.give("dag", "run1", ORDER)
    cancel.obey(job_run(airflow, settings, record))
    orders.give("dag", "run1", replace(ORDER, name="failure", reason="because 'x' failed"))

    assert cancel.obey(job_run(airflow, settings, record)) == "because 'x' failed"


def test_a_job_that_ended_otherwise_has_met_its_orders(settings: Settings):
    """It was faster than the cancel: clearing it later runs it."""
    airflow, record = Airflow(), pipeline(1)
    open_state(settings).cancellations.give("dag", "run1", ORDER)

    cancel.meet(job_run(airflow, settings, record))

    assert cancel.obey(job_run(airflow, settings, record)) is None


def test_each_cancel_is_an_order_of_its_own(settings: Settings):
    """A job that fails again after it was cleared cancels the others again."""
    airflow, record = Airflow(), pipeline(1)
    for _ in range(2):
        cancel.cancel_jobs(settings, open_state(settings), record, ORDER)

        assert cancel.obey(job_run(airflow, settings, record)) == "by pipeline 2"


def test_orders_name_their_jobs(settings: Settings):
    """A job that is not named has ended before: the order does not apply to a later clear."""
    open_state(settings).cancellations.give("dag", "run1", replace(ORDER, jobs=("other",)))

    assert cancel.obey(job_run(Airflow(), settings, pipeline(1))) is None


def test_a_canceled_job_may_be_allowed_to_fail(settings: Settings):
    """Then the pipeline passes with warnings, as in GitLab."""
    airflow = Airflow()
    open_state(settings).cancellations.give("dag", "run1", ORDER)

    allowed = AllowFailure(allowed=True)
    cancel.obey(job_run(airflow, settings, pipeline(1), allow_failure=allowed))

    assert airflow.said["job_result"]["allowed_failure"]


@pytest.fixture
def two(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> tuple[Airflow, PipelineRun]:
    """An older pipeline that runs, as Airflow knows it, and a newer one of another commit."""
    monkeypatch.setenv("AIRFLOW_VAR_GITLAB_CI_PROJECTS", "{}")
    digest = open_state(settings).snapshots.save_pipeline(make_pipeline(make_job("job")))
    older = enter(replace(pipeline(1), digest=digest), open_state(settings).register)
    newer = enter(replace(pipeline(2, "b"), digest=digest), open_state(settings).register)
    airflow = Airflow()
    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", airflow.get_task_states)
    airflow.states["run1"] = {"job": None, FINISH_PIPELINE: None}
    airflow.xcoms["run1", CREATE_PIPELINE] = plain(older)
    return airflow, newer


def test_a_newer_pipeline_gives_orders_to_the_older_one(
    settings: Settings, two: tuple[Airflow, PipelineRun]
):
    """Also when Kubernetes cannot be reached to delete its pods: its jobs meet the order."""
    airflow, newer = two

    cancel_redundant(make_task(settings, airflow.context), newer)

    (order,) = open_state(settings).cancellations.of_run("dag", "run1")
    assert (order.reason, order.jobs) == (f"by pipeline {newer.id}", ("job",))


def test_a_run_that_was_stopped_is_closed(settings: Settings, two: tuple[Airflow, PipelineRun]):
    """Its finish_pipeline never ran; the next pipeline of the ref closes it and orders nothing."""
    airflow, newer = two
    airflow.states["run1"] = {"job": "failed", FINISH_PIPELINE: "skipped"}

    cancel_redundant(make_task(settings, airflow.context), newer)

    running = open_state(settings).register.running(PROJECT.path, newer.ref)
    assert [entry.run_id for entry in running] == ["run2"]
    assert open_state(settings).cancellations.of_run("dag", "run1") == []


def test_a_project_may_keep_its_pipelines(
    settings: Settings, two: tuple[Airflow, PipelineRun], monkeypatch: pytest.MonkeyPatch
):
    """`auto_cancel_pending_pipelines: disabled`, as in GitLab's project settings."""
    airflow, newer = two
    text = '{"group/project": {"auto_cancel_pending_pipelines": "disabled"}}'
    monkeypatch.setenv("AIRFLOW_VAR_GITLAB_CI_PROJECTS", text)

    cancel_redundant(make_task(settings, airflow.context), newer)

    assert open_state(settings).cancellations.of_run("dag", "run1") == []


def test_wrong_settings_do_not_stop_the_new_pipeline(
    settings: Settings,
    two: tuple[Airflow, PipelineRun],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    """They are said in its log."""
    airflow, newer = two
    monkeypatch.setenv("AIRFLOW_VAR_GITLAB_CI_PROJECTS", "nonsense")

    cancel_redundant(make_task(settings, airflow.context), newer)

    assert "gitlab_ci_projects is wrong" in caplog.text


def test_a_pipeline_created_anew_forgets_its_orders(settings: Settings):
    """A person who clears `create_pipeline` wants the jobs to run."""
    record = enter(pipeline(1), open_state(settings).register)
    open_state(settings).cancellations.give("dag", "run1", ORDER)

    cancel_redundant(make_task(settings, Airflow().context), record)

    assert open_state(settings).cancellations.of_run("dag", "run1") == []

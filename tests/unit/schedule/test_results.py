"""How jobs ended, read from Airflow's task states."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.bridge import Bridge
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import AllowFailure, JobDecision, When
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.schedule.results import complete, results, statuses


def pipeline(*jobs: Job) -> Pipeline:
    stages = tuple(dict.fromkeys(job.stage for job in jobs))
    by_name = {job.name: job for job in jobs}
    edges = {}
    for job in jobs:
        if job.needs is not None:
            edges[job.name] = tuple(need.job for need in job.needs)
        else:
            earlier = stages[: stages.index(job.stage)]
            edges[job.name] = tuple(one.name for one in jobs if one.stage in earlier)
    return Pipeline(stages=stages, jobs=by_name, edges=edges)


def decisions(*given: JobDecision, pipeline: Pipeline) -> dict[str, JobDecision]:
    usual = {name: JobDecision(job=name, present=True) for name in pipeline.jobs}
    return {**usual, **{one.job: one for one in given}}


def failed(job: str) -> JobResult | None:
    return JobResult(status=JobStatus.FAILED)


OPTIONAL = AllowFailure(allowed=True)


def test_an_unplayed_manual_job_is_manual():
    """Airflow's skipped is `manual` when the job would have been offered."""
    built = pipeline(Job(name="a", stage="one"), Job(name="m", stage="two"))
    manual = JobDecision(job="m", present=True, when=When.MANUAL, allow_failure=OPTIONAL)

    ended = results(
        built,
        decisions(manual, pipeline=built),
        {"a": "success", "m": "skipped"},
        failed,
    )

    assert ended["m"].status == JobStatus.MANUAL


def test_a_manual_job_behind_a_failure_is_skipped():
    """Airflow's skipped is `skipped` when the job was never offered."""
    built = pipeline(Job(name="a", stage="one"), Job(name="m", stage="two"))
    manual = JobDecision(job="m", present=True, when=When.MANUAL, allow_failure=OPTIONAL)

    ended = results(
        built, decisions(manual, pipeline=built), {"a": "failed", "m": "skipped"}, failed
    )

    assert ended["m"].status == JobStatus.SKIPPED


def test_absent_jobs_are_absent_whatever_airflow_says():
    """A job that the rules left out is absent."""
    built = pipeline(Job(name="a", stage="one"))
    out = JobDecision(job="a", present=False, reason="no rule matched")

    ended = results(built, decisions(out, pipeline=built), {"a": "skipped"}, failed)

    assert ended["a"].status == JobStatus.ABSENT


def test_exit_codes_decide_about_an_allowed_failure():
    """`allow_failure:exit_codes` allows a failure with a listed code only."""
    built = pipeline(Job(name="a", stage="one"), Job(name="b", stage="one"))
    codes = AllowFailure(exit_codes=(42,))
    given = [JobDecision(job=name, present=True, allow_failure=codes) for name in "ab"]

    ended = results(
        built,
        decisions(*given, pipeline=built),
        {"a": "failed", "b": "failed"},
        {
            "a": JobResult(status=JobStatus.FAILED, exit_code=42),
            "b": JobResult(status=JobStatus.FAILED, exit_code=1),
        }.get,
    )

    assert (ended["a"].allowed_failure, ended["b"].allowed_failure) == (True, False)


def test_jobs_under_way_have_not_ended():
    """A job that still runs or waits has no result."""
    built = pipeline(Job(name="a", stage="one"), Job(name="b", stage="one"))

    ended = results(built, decisions(pipeline=built), {"a": "running", "b": None}, failed)

    assert ended == {}


def test_a_need_written_later_in_the_file_is_known_first():
    """Results come in the order of the edges, not of the file."""
    late = Job(name="z", stage="one")
    early = Job(name="a", stage="one", needs=(Need(job="z"),))
    built = pipeline(early, late)
    manual = JobDecision(job="a", present=True, when=When.MANUAL, allow_failure=OPTIONAL)

    ended = results(
        built, decisions(manual, pipeline=built), {"a": "skipped", "z": "success"}, failed
    )

    assert ended["a"].status == JobStatus.MANUAL


@pytest.mark.parametrize("status", [None, JobStatus.SUCCESS, JobStatus.CANCELED])
def test_a_task_that_was_marked_as_failed_is_a_canceled_job(status: JobStatus | None):
    """A job that failed has said so; any other word is an earlier try's, or the cancel itself."""
    built = pipeline(Job(name="a", stage="one"))
    said = JobResult(status=status) if status else None

    ended = results(built, decisions(pipeline=built), {"a": "failed"}, {"a": said}.get)

    assert ended["a"].status == JobStatus.CANCELED


def test_nothing_runs_after_a_cancel():
    """Neither `on_failure` nor `always` jobs run after a canceled one, so they are skipped."""
    built = pipeline(Job(name="a", stage="one"), Job(name="b", stage="two"))
    late = JobDecision(job="b", present=True, when=When.ALWAYS)

    ended = results(
        built, decisions(late, pipeline=built), {"a": "failed", "b": "skipped"}, lambda _: None
    )

    assert (ended["b"].status, ended["b"].reason) == (
        JobStatus.SKIPPED,
        "when: always, but 'a' was canceled",
    )


def test_a_canceled_job_that_may_fail_is_passed_over():
    """GitLab counts canceled jobs with `allow_failure` as passed with warnings."""
    built = pipeline(Job(name="a", stage="one"))
    may = JobDecision(job="a", present=True, allow_failure=OPTIONAL)

    ended = results(built, decisions(may, pipeline=built), {"a": "failed"}, lambda _: None)

    assert ended["a"].allowed_failure


def test_jobs_that_were_canceled_before_they_started():
    """In a canceled pipeline, a skipped task may be a canceled job: it says so."""
    built = pipeline(Job(name="a", stage="one"), Job(name="b", stage="two"))
    said = {"b": JobResult(status=JobStatus.CANCELED, reason="by pipeline 7")}
    states = {"a": "success", "b": "skipped"}

    ended = results(built, decisions(pipeline=built), states, said.get, canceled=True)

    assert ended["b"].reason == "by pipeline 7"


def test_a_job_whose_task_is_gone_has_failed():
    """A task that Airflow has removed ran nothing: its job fails, whatever the rules allow."""
    built = pipeline(Job(name="a", stage="one"), Job(name="b", stage="two"))
    lax = JobDecision(job="b", present=True, allow_failure=OPTIONAL)

    ended = results(
        built, decisions(lax, pipeline=built), {"a": "success", "b": "removed"}, lambda _: None
    )

    assert ended["b"].status == JobStatus.FAILED
    assert not ended["b"].allowed_failure
    assert "the DAG has changed" in ended["b"].reason


def test_a_job_skipped_when_it_was_its_turn_is_canceled():
    """Only a person skips the task of a job that GitLab would start: the pipeline cannot pass."""
    built = pipeline(Job(name="a", stage="one"), Job(name="b", stage="two"))

    ended = results(
        built, decisions(pipeline=built), {"a": "success", "b": "skipped"}, lambda _: None
    )

    assert ended["b"].status == JobStatus.CANCELED
    assert "skipped" in ended["b"].reason


def test_a_bridge_whose_pipeline_was_skipped_is_skipped():
    """A bridge that says so itself takes over that there was nothing to do downstream."""
    built = pipeline(Job(name="a", stage="one", bridge=Bridge(strategy="depend")))

    ended = results(built, decisions(pipeline=built), {"a": "skipped"}, said_skipped)

    assert ended["a"].status == JobStatus.SKIPPED


def said_skipped(job: str) -> JobResult:
    return JobResult(status=JobStatus.SKIPPED)


def test_a_job_without_an_end_fails_the_pipeline():
    """When all is over, a job of the pipeline that has not ended was not run; absent ones may."""
    built = pipeline(Job(name="a", stage="one"), Job(name="b", stage="one"))
    left_out = JobDecision(job="b", present=False, reason="no rule matched")
    wanted = decisions(left_out, pipeline=built)

    ended = complete(wanted, results(built, wanted, {}, lambda _: None))

    assert ended["a"].status == JobStatus.FAILED
    assert ended["b"].status == JobStatus.ABSENT


def test_a_failed_job_keeps_its_reason():
    """What the job has said of its failure reaches the end of the pipeline."""
    built = pipeline(Job(name="a", stage="one"))
    said = JobResult(
        status=JobStatus.FAILED,
        failure_reason=FailureReason.SCRIPT_FAILURE,
        exit_code=3,
        reason="exit code 3",
    )

    ended = results(built, decisions(pipeline=built), {"a": "failed"}, {"a": said}.get)

    assert ended["a"] == said


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (None, JobStatus.CREATED),
        ("queued", JobStatus.PENDING),
        ("up_for_retry", JobStatus.PENDING),
        ("running", JobStatus.RUNNING),
        ("deferred", JobStatus.SCHEDULED),
        ("awaiting_input", JobStatus.MANUAL),
        ("success", JobStatus.SUCCESS),
        ("failed", JobStatus.FAILED),
    ],
)
def test_every_state_of_a_task_is_a_status_of_its_job(state: str | None, status: JobStatus):
    """Everything that looks at a run, the command line included, names it as GitLab does."""
    built = pipeline(Job(name="a", stage="one"))

    assert statuses(built, decisions(pipeline=built), {"a": state}, failed) == {"a": status}


def test_a_bridge_that_waits_for_its_pipeline_is_running():
    """Its task is deferred as that of a delayed job is, but nobody delays it."""
    built = pipeline(Job(name="a", stage="one", bridge=Bridge(strategy="depend")))

    found = statuses(built, decisions(pipeline=built), {"a": "deferred"}, failed)

    assert found == {"a": JobStatus.RUNNING}


def test_a_task_that_runs_to_decide_is_pending():
    """Its job does not start: it is skipped, or waits to be played, and then runs."""
    built = pipeline(
        Job(name="a", stage="one"), Job(name="b", stage="two"), Job(name="m", stage="one")
    )
    manual = JobDecision(job="m", present=True, when=When.MANUAL, allow_failure=OPTIONAL)
    decided, states = decisions(manual, pipeline=built), {"a": "failed", "b": "running"}

    deciding = statuses(built, decided, {**states, "m": "running"}, failed)
    played = statuses(built, decided, {**states, "m": "running"}, failed, played={"m"})

    assert (deciding["b"], deciding["m"]) == (JobStatus.PENDING, JobStatus.PENDING)
    assert (played["b"], played["m"]) == (JobStatus.PENDING, JobStatus.RUNNING)

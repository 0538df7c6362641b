"""Jobs of a run, as Airflow's REST API shows them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitlab_ci_provider.airflow_api.jobs import JobState
from gitlab_ci_provider.model.run import ABSENT_NOTE


@pytest.mark.parametrize(
    ("bridge", "followed", "status"),
    [(False, False, "scheduled"), (False, True, "running"), (True, False, "running")],
)
def test_a_deferred_job_waits_for_its_time_or_runs(bridge: bool, followed: bool, status: str):
    """The triggerer follows a pod that runs for longer than a minute; the job is not delayed."""
    job = JobState(
        name="job",
        task="job",
        state="deferred",
        try_number=1,
        bridge=bridge,
        note="",
        followed=followed,
    )

    assert job.status == status


def test_a_job_that_rules_left_out_is_absent_and_not_skipped():
    """As `run --json` has it; the note of its task says why. One that was skipped has a result."""
    note = f"{ABSENT_NOTE}no rule matches"
    job = JobState(name="j", task="j", state="skipped", try_number=0, bridge=False, note=note)

    assert (job.status, job.reason) == ("absent", "no rule matches")
    left = {"status": "skipped", "reason": "an earlier job failed"}
    skipped = replace(job, note="[Environment](https://x)", result=left)
    assert (skipped.status, skipped.reason) == ("skipped", "an earlier job failed")


def test_a_job_that_is_to_run_again_has_no_reason_any_more():
    """The note of its task stays until it begins."""
    note = "Job skipped: an earlier job failed"
    job = JobState(name="j", task="j", state=None, try_number=1, bridge=False, note=note)

    assert (job.status, job.reason) == ("created", "")


def test_a_job_that_was_cleared_and_then_passed_over_is_canceled():
    """Its result is from the time before: a run was retried, and then canceled at once."""
    left = {"status": "failed", "reason": "exit code 1"}
    job = JobState(
        name="j", task="j", state="skipped", try_number=1, bridge=False, note="", result=left
    )

    assert job.status == "canceled"

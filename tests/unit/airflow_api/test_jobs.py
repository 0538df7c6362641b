"""Jobs of a run, as Airflow's REST API shows them."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.airflow_api.jobs import JobState


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

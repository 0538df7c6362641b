"""How much time a job has."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from factories import JOB, make_plan_request
from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.planner.plan import plan_job
from gitlab_ci_provider.planner.time_limits import access_ends_early, grace

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEEPING = replace(JOB, timeout=3600, artifacts=Artifacts(paths=("out",)))


@pytest.mark.parametrize(
    ("keys_end", "said"),
    [
        (0.0, ""),
        (START.timestamp() + 3600, ""),
        (START.timestamp() + 1800, "over at 12:30:00 UTC, before this job's timeout"),
    ],
)
def test_keys_that_end_before_the_job_are_named(keys_end: float, said: str):
    """Nothing can be stored after that, which a person must know before hours are spent."""
    store = StoreTarget(bucket="b", access_key="a", secret_key="s", keys_end=keys_end)
    request = make_plan_request(KEEPING, store=store, started_at=START.isoformat())

    assert said in (found := access_ends_early(request, plan_job(request).plan))
    assert bool(found) == bool(said)


def test_a_job_that_stores_nothing_is_told_nothing():
    """Its addresses are for what it fetches before its script."""
    store = StoreTarget(bucket="b", access_key="a", secret_key="s", keys_end=START.timestamp())
    request = make_plan_request(JOB, store=store, started_at=START.isoformat())

    assert access_ends_early(request, plan_job(request).plan) == ""


@pytest.mark.parametrize("kept", [{"paths": ("out",)}, {"reports": {"junit": ("report.xml",)}}])
def test_a_canceled_job_has_time_to_save_what_it_leaves(kept: dict[str, Any]):
    """Its reports, too: they say what had failed before."""
    job = replace(JOB, artifacts=Artifacts(**kept))
    request = make_plan_request(job, store=StoreTarget(bucket="b"))

    assert grace(request, plan_job(request).plan) > grace(
        request, plan_job(make_plan_request()).plan
    )

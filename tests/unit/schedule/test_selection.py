"""Running some jobs only."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import AllowFailure, JobDecision, When
from gitlab_ci_provider.schedule.selection import select

JOBS = {
    job.name: job
    for job in (
        Job(name="compile", stage="build", artifacts=Artifacts(paths=("out",))),
        Job(name="lint", stage="build"),
        Job(name="unit", stage="test"),
        Job(name="scan", stage="test", needs=(Need(job="lint"),)),
        Job(name="ship", stage="deploy"),
    )
}
PIPELINE = Pipeline(
    stages=("build", "test", "deploy"),
    jobs=JOBS,
    edges={"unit": ("compile", "lint"), "scan": ("lint",), "ship": ("compile", "lint", "unit")},
)
DECISIONS = {name: JobDecision(job=name, present=True) for name in JOBS} | {
    "ship": JobDecision(
        job="ship", present=True, when=When.MANUAL, allow_failure=AllowFailure(allowed=True)
    )
}


def kept(*wanted: str) -> set[str]:
    chosen = select(PIPELINE, DECISIONS, wanted)
    return {name for name, decision in chosen.items() if decision.present}


def test_stage_order_keeps_the_artifacts_that_the_job_downloads():
    """A job in stage order keeps earlier jobs that have artifacts, and no other."""
    assert kept("unit") == {"unit", "compile"}


def test_needs_keep_the_needed_jobs():
    """A job with needs keeps them."""
    assert kept("scan") == {"scan", "lint"}


def test_a_manual_job_that_was_asked_for_runs():
    """Asking for a manual job by name plays it."""
    chosen = select(PIPELINE, DECISIONS, ["ship"])

    assert chosen["ship"].when == When.ON_SUCCESS


def test_an_unknown_job_is_refused_with_the_known_ones():
    """A typing mistake is answered with the jobs that there are."""
    with pytest.raises(ConfigError, match=r"no job 'unti'.*compile, lint, unit, scan, ship"):
        select(PIPELINE, DECISIONS, ["unti"])


def test_a_stage_is_wanted_with_what_its_jobs_need():
    """The jobs of a stage that were not named stay manual."""
    chosen = select(PIPELINE, DECISIONS, (), stages=("deploy",))

    assert {name for name, one in chosen.items() if one.present} == {"ship", "compile"}
    assert chosen["ship"].when is When.MANUAL


def test_an_unknown_stage_is_refused():
    """The message lists the stages that have jobs."""
    with pytest.raises(ConfigError, match=r"stage 'tset'.*it has build, test, deploy"):
        select(PIPELINE, DECISIONS, (), stages=("tset",))


def test_a_job_alone_waits_for_nothing():
    """What it needs is left out, and its needs with it; needs among the wanted jobs stay."""
    alone = select(PIPELINE, DECISIONS, ("scan",), alone=True)
    both = select(PIPELINE, DECISIONS, ("scan", "lint"), alone=True)

    assert {name for name, one in alone.items() if one.present} == {"scan"}
    assert alone["scan"].needs == ()
    assert both["scan"].needs == (Need(job="lint"),)

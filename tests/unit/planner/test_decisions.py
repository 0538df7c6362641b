"""What the planner decides: sources, caches, artifacts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from factories import JOB, RUN, make_plan_request, with_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.job_artifacts import JobArtifact
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.plan import GetSources
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.planner.artifacts import wanted_artifacts
from gitlab_ci_provider.planner.plan import plan_job
from gitlab_ci_provider.planner.plan_request import PlanRequest


def planned_sources(request: PlanRequest) -> GetSources:
    sources = plan_job(request).plan.sources
    assert sources is not None
    return sources


def test_the_exact_commit_is_fetched_shallowly():
    """`get_sources` asks for the run's commit, twenty deep, as GitLab's projects do by default."""
    sources = planned_sources(make_plan_request())

    assert (sources.sha, sources.depth, sources.strategy) == ("a" * 40, 20, "fetch")
    assert sources.refspecs == ("+refs/heads/main:refs/remotes/origin/main",)


def test_a_tag_is_fetched_as_a_tag():
    """A tag pipeline has its tag in the working copy."""
    run = replace(RUN, ref=Ref(name="v1", sha="a" * 40, kind=RefKind.TAG))

    assert planned_sources(make_plan_request(run=run)).refspecs == ("+refs/tags/v1:refs/tags/v1",)


def test_git_variables_are_honoured():
    """GIT_STRATEGY, GIT_DEPTH and GIT_CLEAN_FLAGS mean what they mean for the runner."""
    job = with_variables(GIT_STRATEGY="none", GIT_DEPTH="3", GIT_CLEAN_FLAGS="none")

    sources = planned_sources(make_plan_request(job))

    assert (sources.strategy, sources.depth, sources.clean_flags) == ("none", 3, ())


@pytest.mark.parametrize(
    "variables",
    [{"GIT_CLONE_PATH": "/etc"}, {"GIT_SUBMODULE_STRATEGY": "all"}],
)
def test_what_cannot_be_done_is_refused(variables: dict[str, str]):
    """A GIT_ variable that is wrong or not supported fails the job in words."""
    with pytest.raises(SystemFailure, match=next(iter(variables))):
        plan_job(make_plan_request(with_variables(**variables)))


def test_artifacts_of_each_try_have_a_place_of_their_own():
    """A second try does not overwrite what the first one left."""
    job = replace(JOB, artifacts=Artifacts(paths=("out/",)))
    first = plan_job(make_plan_request(job, attempt=1)).plan.uploads[0]

    second = plan_job(make_plan_request(job)).plan.uploads[0]

    assert first.object_key != second.object_key
    assert second.expire_in == 99


def test_without_a_store_a_job_that_needs_one_says_so():
    """Caches and artifacts need an object store; the message names what is missing."""
    job = replace(JOB, artifacts=Artifacts(paths=("out/",)))

    with pytest.raises(SystemFailure, match="object store"):
        plan_job(make_plan_request(job, store=None))


def test_a_job_that_needs_no_store_carries_no_keys():
    """Credentials travel only where they are used."""
    assert plan_job(make_plan_request()).plan.store is None


def test_downloads_are_what_earlier_jobs_left():
    """Artifacts of earlier jobs are fetched before the script."""
    left = {"compile": (JobArtifact(name="artifacts", object_key="k"),)}

    assert plan_job(make_plan_request(upstream=left)).plan.downloads[0].object_key == "k"


def test_needs_and_dependencies_choose_the_artifacts():
    """Stage order takes all, `needs` its own, `dependencies` restricts either."""
    decision = JobDecision(job="job", present=True)
    needing = replace(JOB, needs=(Need(job="a"), Need(job="b", artifacts=False)))

    assert wanted_artifacts(JOB, decision, ("a", "b")) == ("a", "b")
    assert wanted_artifacts(needing, decision, ("a", "b")) == ("a",)
    assert wanted_artifacts(replace(JOB, dependencies=("b",)), decision, ("a", "b")) == ("b",)
    assert wanted_artifacts(replace(JOB, dependencies=()), decision, ("a", "b")) == ()


def test_a_keyword_that_is_not_run_yet_fails_the_job_that_needs_it():
    """A job that would do something else without a keyword does not run without it."""
    job = replace(JOB, as_written={"run": []})

    with pytest.raises(SystemFailure, match="run") as caught:
        plan_job(make_plan_request(job))
    assert caught.value.reason == "runner_unsupported"


def test_the_default_image_is_the_installations():
    """A job without `image:` gets the runner's default."""
    assert plan_job(make_plan_request()).image.name == "debian:12"


@pytest.mark.parametrize(
    ("after", "artifacts", "seconds"),
    [((), None, 30), (("true",), None, 330), (("true",), Artifacts(paths=("out/",)), 450)],
)
def test_a_canceled_job_has_time_to_end(
    after: tuple[str, ...], artifacts: Artifacts | None, seconds: int
):
    """The pod may take as long as `after_script` and the saving of what it leaves need."""
    job = replace(JOB, script=Script(main=("true",), after=after), artifacts=artifacts)

    assert plan_job(make_plan_request(job)).grace == seconds


def test_the_entry_knows_when_the_jobs_time_is_over():
    """A pod deleted after `timeout` is not a canceled job, so its `after_script` does not run."""
    started = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())

    assert (
        f"deadline={started + 600 - 5}\n"
        in plan_job(make_plan_request(replace(JOB, timeout=600))).secret["entry"]
    )

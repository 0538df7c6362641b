"""What a runner adds to the jobs that it takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factories import JOB, make_plan_request, with_variables
from gitlab_ci_provider.model.image import Image, Service
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import CacheStore, RunnerService
from gitlab_ci_provider.planner.plan import plan_job
from gitlab_ci_provider.runners.additions import for_caches, for_runner
from gitlab_ci_provider.runners.images import SERVICE, permitted


def test_variables_of_the_runner_are_the_weakest_and_its_flags_the_strongest():
    """GitLab Runner's order; a variable of the job can use one of the runner."""
    job = with_variables(REGION="job", FF_X="false", URL="http://$HOST/$REGION")
    runner = RunnerProfile(
        environment={"REGION": "runner", "HOST": "mirror"}, feature_flags={"FF_X": True}
    )
    request = for_runner(make_plan_request(job), runner)

    assert request.variables.get("REGION") == "job"
    assert request.variables.get("URL") == "http://mirror/job"
    assert request.variables.get("FF_X") == "true"


def test_services_see_the_variables_of_the_runner():
    """They are internal to GitLab Runner, and it shows those to services."""
    runner = RunnerProfile(environment={"PROXY": "p"}, services=(RunnerService(name="dind"),))
    planned = plan_job(for_runner(make_plan_request(), runner))

    key = planned.services[0].environment["PROXY"]
    assert planned.secret[key] == "p"


def test_services_of_the_runner_come_before_those_of_the_job():
    """All of them run; `allowed_services` is about those of jobs."""
    own = Service(image=Image(name="redis:7"))
    proxy = RunnerService(
        name="mirror:1", alias=("proxy",), command=("serve",), environment={"SIZE": "1"}
    )
    runner = RunnerProfile(name="r", services=(proxy,), allowed_services=("redis:*",))
    planned = plan_job(for_runner(make_plan_request(replace(JOB, services=(own,))), runner))
    first, second = planned.services

    assert (first.name, first.image.name, first.command) == ("proxy", "mirror:1", ("serve",))
    assert "SIZE" in first.environment
    assert "SIZE" not in second.environment
    assert permitted(first.image, SERVICE, runner, print).name == "mirror:1"


def test_scripts_of_the_runner_are_around_those_of_the_job():
    """In one shell: `pre_build_script`, `before_script`, `script`, `post_build_script`."""
    job = replace(
        JOB,
        script=Script(before=("before",), main=("main",), after=("after",)),
        pre_get_sources=("hook",),
    )
    runner = RunnerProfile(
        pre_get_sources_script="first", pre_build_script="pre", post_build_script="post"
    )
    found = for_runner(make_plan_request(job), runner).job

    assert (found.script.before, found.script.main) == (("pre", "before"), ("main", "post"))
    assert found.script.after == ("after",)
    assert found.pre_get_sources == ("first", "hook")


@pytest.mark.parametrize(
    ("job", "runner", "used"),
    [(None, None, 60), (None, 30, 30), (90, None, 90), (90, 80, 80), (20, 80, 20), (90, 0, 90)],
)
def test_the_shorter_timeout_counts(job: int | None, runner: int | None, used: int):
    """A job's own, or the installation's, and never more than the runner's `maximum_timeout`."""
    request = make_plan_request(replace(JOB, timeout=job))
    planned = plan_job(for_runner(request, RunnerProfile(maximum_timeout=runner)))

    assert planned.timeout == used


@pytest.mark.parametrize(("value", "honored"), [("true", True), ("1", True), ("", False)])
def test_the_feature_flag_honors_entrypoints(value: str, honored: bool):
    """FF_KUBERNETES_HONOR_ENTRYPOINT, of the job or of the runner."""
    job = with_variables(FF_KUBERNETES_HONOR_ENTRYPOINT=value)
    flags = {"FF_KUBERNETES_HONOR_ENTRYPOINT": honored}

    assert plan_job(make_plan_request(job)).honor_entrypoint is honored
    by_runner = for_runner(make_plan_request(), RunnerProfile(feature_flags=flags))
    assert plan_job(by_runner).honor_entrypoint is honored


@pytest.mark.parametrize(
    ("cache", "prefix"),
    [
        (CacheStore(), "own/"),
        (CacheStore(path="/ci/x/"), "own/ci/x/"),
        (CacheStore(path="ci", shared=False), "own/ci/runner/r%2F1/"),
    ],
)
def test_caches_have_the_path_of_the_runner_before_their_names(cache: CacheStore, prefix: str):
    """GitLab's `Path`, and the runner itself unless it shares its caches."""
    target = StoreTarget(bucket="b", prefix="own/")

    assert for_caches(target, RunnerProfile(name="r/1", cache=cache)).prefix == prefix


@pytest.mark.parametrize("name", ["..", "."])
def test_no_name_of_a_runner_leaves_its_folder(name: str):
    """Clients of HTTP leave out dots from paths, and the address would no longer be valid."""
    cache = CacheStore(shared=False)
    found = for_caches(StoreTarget(bucket="b"), RunnerProfile(name=name, cache=cache))

    assert not {".", ".."} & set(found.prefix.split("/"))

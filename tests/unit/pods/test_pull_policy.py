"""Several pull policies: which one a container uses, and which comes next."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.image import Image, PullPolicy
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import PodPatch
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.pods.pod import PodRequest, build_pod
from gitlab_ci_provider.pods.pull_policy import PullPolicies, pull_policies

RUNNER = RunnerProfile(helper_image="helper:1", pull_policy=("always", "if-not-present"))


def policies(
    runner: RunnerProfile = RUNNER, own: tuple[PullPolicy, ...] = ("never", "always")
) -> PullPolicies:
    """Give the policies of a job with a service."""
    image = Image(name="ruby:3", pull_policies=own)
    return pull_policies(image, (service(),), runner)


def service() -> PlannedService:
    return PlannedService(
        name="db", image=Image(name="postgres"), hosts=(), command=None, environment={}
    )


def used(pulls: PullPolicies, runner: RunnerProfile = RUNNER) -> dict[str, str]:
    """Give the policy of each container of the pod."""
    request = PodRequest(
        name="p",
        image=Image(name="ruby:3", pull_policies=("never", "always")),
        profile=runner,
        services=(service(),),
        deadline=60,
        labels={},
        annotations={},
        hook=True,
        pulls=pulls,
    )
    spec = build_pod(request).spec
    containers = (*spec.init_containers, *spec.containers)
    return {container.name: container.image_pull_policy for container in containers}


def test_the_first_policy_comes_first():
    """A container of the job has the job's policies, all others those of the runner."""
    helpers = dict.fromkeys(("hook", "prepare", "helper", "db"), "Always")

    assert used(policies()) == {**helpers, "build": "Never"}
    assert set(policies().unsettled) == {"hook", "prepare", "helper", "db", "build"}


def test_the_next_policy_is_for_the_image_that_failed():
    """The others keep theirs; the containers of the helper have one image."""
    after = policies().after("build")
    assert after is not None
    assert used(after)["build"] == "Always"
    assert used(after)["prepare"] == "Always"

    after = after.after("prepare")
    assert after is not None
    found = used(after)
    assert (found["hook"], found["prepare"], found["helper"]) == ("IfNotPresent",) * 3
    assert (found["build"], found["db"]) == ("Always", "Always")
    assert after.unsettled == ("db",)
    assert after.words("prepare") == "if-not-present (2 of 2)"


def test_the_last_policy_is_the_end():
    """Without another one the job fails."""
    after = policies().after("db")

    assert after is not None
    assert after.after("db") is None
    assert policies(own=("never",)).after("build") is None
    assert PullPolicies().after("build") is None


def test_a_pod_tells_which_policies_it_uses():
    """A worker that finds it goes on with the next one."""
    after = policies().after("prepare")
    assert after is not None
    request = PodRequest(
        name="p",
        image=Image(name="ruby:3", pull_policies=("never", "always")),
        profile=RUNNER,
        deadline=60,
        labels={},
        annotations={},
        pulls=after,
    )

    assert policies().as_in(build_pod(request)).after("prepare") is None


@pytest.mark.parametrize("policy", ["Always", "Bogus"])
def test_a_patch_cannot_make_the_tries_endless(policy: str):
    """A runner may patch the policy; each policy of its list is still tried once at most."""
    patch = {"initContainers": [{"name": "prepare", "imagePullPolicy": policy}]}
    runner = RunnerProfile(
        helper_image="helper:1",
        pull_policy=("always", "if-not-present"),
        pod_patches=(PodPatch(patch=patch),),
    )
    request = PodRequest(
        name="p", image=Image(name="x"), profile=runner, deadline=60, labels={}, annotations={}
    )
    pulls, tries = pull_policies(Image(name="x"), (), runner), 1
    while (following := pulls.as_in(build_pod(request)).after("prepare")) is not None:
        pulls, tries = following, tries + 1
        assert tries < 5

    assert tries == 2

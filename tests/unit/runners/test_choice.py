"""Which runner takes a job."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.runners.choice import Wanted, choose, why_not


def wanted(*tags: str, protected: bool = False) -> Wanted:
    """Make what a job of `group/app` asks for."""
    return Wanted(tags=tags, protected=protected, project="group/app")


@pytest.mark.parametrize(
    ("runner", "tags", "takes"),
    [
        ({"tags": ("a", "b")}, ("a",), True),
        ({"tags": ("a", "b")}, ("b", "a"), True),
        ({"tags": ("a", "b")}, ("a", "c"), False),
        ({"tags": ("A",)}, ("a",), False),
        ({"tags": ("a",)}, (), False),
        ({"tags": ("a",), "run_untagged": True}, (), True),
        ({}, (), True),
        ({}, ("a",), False),
        ({"any_tags": True}, ("a",), True),
        ({"any_tags": True}, (), True),
        ({"projects": ("group/**",)}, (), True),
        ({"projects": ("other/*", "group/app")}, (), True),
        ({"projects": ("group",)}, (), False),
        ({"any_tags": True, "projects": ("other/**",)}, (), False),
    ],
)
def test_all_tags_of_a_job_must_be_the_runners(
    runner: dict[str, Any], tags: tuple[str, ...], takes: bool
):
    """GitLab's rule: a runner may have more tags than the job, not fewer; case counts."""
    assert (why_not(RunnerProfile(name="r", **runner), wanted(*tags)) == "") is takes


def test_a_protected_runner_takes_protected_refs_only():
    """`access_level: ref_protected` keeps a runner's rights from branches that anybody may push."""
    runner = RunnerProfile(name="r", access_level="ref_protected", any_tags=True)

    assert why_not(runner, wanted(protected=True)) == ""
    assert why_not(runner, wanted()) == "takes jobs of protected branches and tags only"


def test_the_first_runner_of_the_file_wins():
    """Several runners may take a job; the order of the file decides."""
    runners = [RunnerProfile(name=name, tags=("x",)) for name in ("one", "two")]

    assert choose(runners, wanted("x")).name == "one"


def test_a_job_without_a_runner_is_stuck():
    """The job fails with GitLab's reason; the message says what each runner lacks."""
    runners = [
        RunnerProfile(name="small", tags=("docker",)),
        RunnerProfile(name="big", tags=("gpu", "docker"), access_level="ref_protected"),
    ]
    with pytest.raises(SystemFailure) as failure:
        choose(runners, wanted("docker", "gpu"))

    assert failure.value.reason is FailureReason.STUCK_PENDING_NO_MATCHING_RUNNERS
    assert str(failure.value) == (
        "the job is stuck: it has the tags 'docker', 'gpu', and no runner takes it: "
        "'small' lacks 'gpu'; 'big' takes jobs of protected branches and tags only"
    )


def test_a_stuck_job_of_a_large_installation_has_a_short_message():
    """The message names twenty runners and counts the others."""
    runners = [RunnerProfile(name=f"r{number}", tags=("x",)) for number in range(30)]
    with pytest.raises(SystemFailure, match="'r19' lacks 'y'; and 10 more"):
        choose(runners, wanted("y"))

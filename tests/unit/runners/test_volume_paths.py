"""Variables in the volumes of a runner."""

from __future__ import annotations

import pytest

from factories import make_plan_request, with_variables
from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.runners.volume_paths import with_volume_paths


def make_runner(name: str = "build-$CI_CONCURRENT_ID", **mount: str) -> RunnerProfile:
    """Make a runner whose claim and mount hold variables."""
    return RunnerProfile(
        name="r",
        volumes=({"name": name, "persistentVolumeClaim": {"claimName": name}},),
        volume_mounts=({"name": name, "mountPath": "/m", **mount},),
    )


def request(**variables: str) -> PlanRequest:
    return make_plan_request(with_variables(**variables))


def test_predefined_variables_are_replaced_in_names_and_paths():
    """As in GitLab Runner: a claim for each project, a folder for each ref."""
    asked = request()
    known = asked.predefined.as_dict()
    runner = make_runner(
        "claim-$CI_PROJECT_ID", mountPath="/m/${CI_PROJECT_NAME}", subPath="$CI_COMMIT_REF_SLUG"
    )
    found = with_volume_paths(runner, asked.predefined)

    name = f"claim-{known['CI_PROJECT_ID']}"
    assert found.volumes == ({"name": name, "persistentVolumeClaim": {"claimName": name}},)
    assert found.volume_mounts == (
        {
            "name": name,
            "mountPath": f"/m/{known['CI_PROJECT_NAME']}",
            "subPath": known["CI_COMMIT_REF_SLUG"],
        },
    )


def test_the_author_of_a_pipeline_does_not_choose_what_a_job_sees():
    """A variable of the file with a predefined name changes nothing."""
    asked = request(CI_PROJECT_ID="999")
    found = with_volume_paths(make_runner("claim-$CI_PROJECT_ID"), asked.predefined)

    assert asked.variables.get("CI_PROJECT_ID") == "999"
    assert found.volumes[0]["name"] != "claim-999"


@pytest.mark.parametrize(
    ("runner", "words"),
    [
        (make_runner(subPath="$TEAM"), "TEAM, which is not predefined"),
        (make_runner(subPath="$CI_COMMIT_TAG"), "CI_COMMIT_TAG, which is not predefined"),
        (make_runner("$CI_PROJECT_PATH"), "is not a name of a volume"),
        (make_runner(mountPath="$CI_PROJECT_NAME"), "is not an absolute path"),
        (make_runner("$CI_COMMIT_REF_SLUG"), "two volumes named 'main'"),
    ],
)
def test_what_cannot_be_used_fails_the_job_in_words(runner: RunnerProfile, words: str):
    """Before a pod is created."""
    named = {"name": "main", "emptyDir": {}}
    if "two volumes" in words:
        runner = RunnerProfile(name="r", volumes=(named, *runner.volumes))
    asked = make_plan_request()
    with pytest.raises(SystemFailure, match=words.replace("'", ".")) as failure:
        with_volume_paths(runner, asked.predefined)

    assert failure.value.reason is FailureReason.RUNNER_CONFIGURATION_ERROR


def test_runners_without_variables_stay_as_they_are():
    """Also where a dollar sign is in a field in which no variables count."""
    plain = RunnerProfile(
        name="r", volumes=({"name": "h", "hostPath": {"path": "/$CI_PROJECT_ID"}},)
    )

    assert with_volume_paths(plain, make_plan_request().predefined) is plain

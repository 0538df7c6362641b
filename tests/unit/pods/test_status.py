"""What keeps a pod from starting."""

from __future__ import annotations

from dataclasses import replace

from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.pods.status import StartProblem, start_problem


def test_a_container_that_could_not_be_started_is_a_problem():
    """A build that ended with StartError never tells its helper: nobody may wait for that."""
    ended = k8s.V1ContainerStateTerminated(exit_code=128, reason="StartError", message="no sh")
    build = k8s.V1ContainerStatus(
        name="build", image="i", image_id="", ready=False, restart_count=0,
        state=k8s.V1ContainerState(terminated=ended),
    )  # fmt: skip

    problem = start_problem(k8s.V1Pod(status=k8s.V1PodStatus(container_statuses=[build])))

    assert problem is not None
    assert problem.failure_reason == "runner_system_failure"
    assert "no sh" in problem.message


def test_the_registrys_words_are_told_once():
    """An event repeats what the container's status says, behind the name of the image."""
    said = 'rpc error: failed to resolve reference "r.test/x:1": 401 Unauthorized'
    event = f'Failed to pull image "r.test/x:1": {said}'
    told = StartProblem(
        failure_reason=FailureReason.IMAGE_PULL_FAILURE, message=f"ErrImagePull: {said}"
    )
    silent = replace(told, message="ImagePullBackOff: Back-off pulling image")

    assert told.because([event]) == told.message
    assert silent.because([event]) == f"{silent.message}: {event}"

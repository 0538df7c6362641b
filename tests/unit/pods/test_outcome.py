"""How a job ended, read from its pod."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from kubernetes import client as k8s

from gitlab_ci_provider.model.job_artifacts import JobArtifact
from gitlab_ci_provider.model.workspace import SCRIPT_TIMEOUT
from gitlab_ci_provider.pods.outcome import outcome


def ended(name: str, code: int = 0, reason: str = "", message: str = "") -> k8s.V1ContainerStatus:
    state = k8s.V1ContainerStateTerminated(
        exit_code=code, reason=reason or ("Error" if code else "Completed"), message=message
    )
    return _status(name, k8s.V1ContainerState(terminated=state))


def waiting(name: str) -> k8s.V1ContainerStatus:
    state = k8s.V1ContainerStateWaiting(reason="PodInitializing")
    return _status(name, k8s.V1ContainerState(waiting=state))


def _status(name: str, state: k8s.V1ContainerState) -> k8s.V1ContainerStatus:
    return k8s.V1ContainerStatus(
        name=name, state=state, image="i", image_id="", ready=False, restart_count=0
    )


def pod(*containers: k8s.V1ContainerStatus, **status: str) -> k8s.V1Pod:
    prepare, *rest = containers
    made = k8s.V1PodStatus(
        init_container_statuses=[prepare], container_statuses=rest, phase="Failed", **status
    )
    return k8s.V1Pod(status=made)


def test_success_carries_the_artifacts():
    """A job that passed tells what it uploaded, from the helper's termination message."""
    report = {"artifacts": [{"name": "artifacts", "object_key": "k", "size": 9, "files": 2}]}

    end = outcome(pod(ended("prepare"), ended("build"), ended("helper", 0, "", json.dumps(report))))

    assert end.failure_reason is None
    assert end.artifacts == (JobArtifact(name="artifacts", object_key="k", size=9, files=2),)


def test_the_scripts_exit_code():
    """A failing script is `script_failure` with its own exit code."""
    end = outcome(pod(ended("prepare"), ended("build", 3), ended("helper")))

    assert (end.failure_reason, end.exit_code) == ("script_failure", 3)


def test_out_of_memory_is_named():
    """An OOM kill is told in words: the pod is gone when a person asks."""
    end = outcome(pod(ended("prepare"), ended("build", 137, "OOMKilled"), ended("helper")))

    assert end.failure_reason == "script_failure"
    assert "out of memory" in end.message


@pytest.mark.parametrize("reason", ["OOMKilled", "Error"])
def test_out_of_memory_is_named_even_if_the_kubelet_does_not_know(reason: str):
    """The build's process 1 has asked the kernel, with the limit and the peak."""
    words = (
        "out of memory: the kernel killed 1 of the script's processes, limit 64 MiB, peak 64 MiB"
    )
    killed = ended("build", 137, reason, f"{words}\nand what the job has added")

    end = outcome(pod(ended("prepare"), killed, ended("helper")))

    assert (end.failure_reason, end.exit_code) == ("script_failure", 137)
    assert end.message == f"{words}, exit code 137"


def test_a_kill_that_nobody_explains_is_named():
    """137 alone tells few people what happened."""
    end = outcome(pod(ended("prepare"), ended("build", 137), ended("helper")))

    assert end.message == "exit code 137: something killed it (SIGKILL)"


def test_a_failed_phase_gives_its_reason():
    """A phase before the script that fails is a system failure with the phase's own words."""
    report = {"phase": "get_sources", "reason": "runner_system_failure", "message": "no route"}

    end = outcome(
        pod(ended("prepare", 2, "", json.dumps(report)), waiting("build"), waiting("helper"))
    )

    assert end.failure_reason == "runner_system_failure"
    assert end.message == "get_sources: no route"


def test_a_failed_upload_fails_a_job_whose_script_passed():
    """Artifacts that cannot be uploaded fail the job."""
    report = {"phase": "upload_artifacts", "message": "S3 is down"}

    end = outcome(pod(ended("prepare"), ended("build"), ended("helper", 2, "", json.dumps(report))))

    assert (end.failure_reason, end.message) == (
        "runner_system_failure",
        "upload_artifacts: S3 is down",
    )


def test_the_scripts_failure_goes_before_the_uploads():
    """GitLab Runner reports the job's error before that of its artifacts."""
    end = outcome(pod(ended("prepare"), ended("build", 7), ended("helper", 2)))

    assert (end.failure_reason, end.exit_code) == ("script_failure", 7)


def test_eviction_and_deadline_go_first():
    """A pod that Kubernetes ended tells why, whatever its containers say."""
    evicted = pod(
        ended("prepare"), ended("build", 137), ended("helper"), reason="Evicted", message="disk"
    )
    late = pod(ended("prepare"), ended("build", 137), ended("helper"), reason="DeadlineExceeded")

    assert outcome(evicted).message == "the pod was evicted: disk"
    assert outcome(late).failure_reason == "job_execution_timeout"


def test_a_failed_hook_is_named():
    """The containers behind it have never started."""
    said = {"phase": "pre_get_sources_script", "reason": "script_failure", "message": "exit code 3"}
    hook = ended("hook", 70, "Error", json.dumps(said))
    dead = pod(waiting("prepare"), waiting("build"), waiting("helper"))
    dead.status.init_container_statuses = [hook, waiting("prepare")]

    end = outcome(dead)

    assert (end.failure_reason, end.message) == (
        "script_failure",
        "pre_get_sources_script: exit code 3",
    )


def test_a_script_that_ran_too_long_has_timed_out():
    """GitLab's reason is that of the whole job's timeout; the script's exit code means nothing."""
    words = f"{SCRIPT_TIMEOUT}ran longer than 5 s (RUNNER_SCRIPT_TIMEOUT)"
    late = ended("build", 143, "Error", f"{words}\nand what the job has added")

    end = outcome(pod(ended("prepare"), late, ended("helper")))

    assert (end.failure_reason, end.exit_code) == ("job_execution_timeout", None)
    assert end.message == words


def test_a_start_error_is_ours():
    """A build container that could not be started is not a failure of the script."""
    broken = ended("build", 128, "StartError", "no such file: sh")

    end = outcome(pod(ended("prepare"), broken, ended("helper")))

    assert end.failure_reason == "runner_system_failure"
    assert "no such file: sh" in end.message


def test_a_termination_message_that_is_no_json_is_shown():
    """Whatever the helper left as its last words is shown as it is."""
    end = outcome(pod(ended("prepare", 1, "", "killed"), waiting("build"), waiting("helper")))

    assert end.message == "prepare: killed"


def _at(status: k8s.V1ContainerStatus, second: int) -> k8s.V1ContainerStatus:
    status.state.terminated.finished_at = datetime(2026, 11, 28, 12, 0, second, tzinfo=UTC)
    return status


@pytest.mark.parametrize(("second", "code"), [(6, 1), (5, 141)])
def test_a_script_whose_helper_died_is_no_failing_script(second: int, code: int):
    """It could not write any more: the helper's end is the reason, the script's is told, too."""
    helper = _at(ended("helper", 137, "OOMKilled"), 5)

    end = outcome(pod(ended("prepare"), _at(ended("build", code), second), helper))

    assert end.failure_reason == "runner_system_failure"
    assert "the helper container died while the script was running: out of memory" in end.message
    assert f"ended with {code}" in end.message


@pytest.mark.parametrize(("second", "code"), [(4, 141), (5, 1)])
def test_a_helper_that_died_after_the_script_hides_no_failure(second: int, code: int):
    """The script's own failure comes first."""
    helper = _at(ended("helper", 137, "OOMKilled"), 5)

    end = outcome(pod(ended("prepare"), _at(ended("build", code), second), helper))

    assert (end.failure_reason, end.exit_code) == ("script_failure", code)


@pytest.mark.parametrize(("reason", "code"), [("Unknown", 255), ("ContainerStatusUnknown", 137)])
@pytest.mark.parametrize("lost", ["prepare", "build", "helper"])
def test_a_container_whose_end_nobody_has_seen_is_an_interruption(
    reason: str, code: int, lost: str
):
    """The node has restarted: the exit code is made up by containerd, or by the kubelet."""
    names = ["prepare", "build", "helper"]
    after = names[names.index(lost) :]
    containers = [ended(name, code, reason) if name in after else ended(name) for name in names]

    end = outcome(pod(*containers))

    assert (end.failure_reason, end.exit_code) == ("runner_interrupted", None)
    assert f"the node has lost the {lost} container" in end.message


def test_a_failure_before_the_node_restarted_stays():
    """The script had failed; only its artifacts are lost."""
    end = outcome(pod(ended("prepare"), ended("build", 3), ended("helper", 255, "Unknown")))

    assert (end.failure_reason, end.exit_code) == ("script_failure", 3)


def test_a_phase_that_had_too_little_memory_says_so():
    """On cgroup v2 the whole container is killed, so the helper has no last words."""
    killed = ended("prepare", 137, "OOMKilled")

    end = outcome(pod(killed, waiting("build"), waiting("helper")))

    assert end.message == "prepare: out of memory: the container was killed (OOMKilled)"


def test_a_phase_that_was_killed_says_so():
    """The helper has no last words then, and Kubernetes' `Error` alone tells nobody anything."""
    killed = ended("prepare", 137, "Error")

    end = outcome(pod(killed, waiting("build"), waiting("helper")))

    assert end.message == "prepare: Error, exit code 137: something killed it (SIGKILL)"

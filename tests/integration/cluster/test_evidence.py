"""What is read of a real pod before it is deleted, so that its failure can be explained later."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from gitlab_ci_provider.exceptions import FailureReason, JobFailure, SystemFailure
from gitlab_ci_provider.hooks.outages import patient
from gitlab_ci_provider.runs.job.end import PodFailure
from gitlab_ci_provider.runs.job.evidence import explained, needs_evidence
from gitlab_ci_provider.variables.masking import log_masker
from integration.cluster.faults import misbehaving
from integration.cluster.support import Api, has_ended, pod

LOG = logging.getLogger(__name__)
GONE = SystemFailure("gone", reason=FailureReason.RUNNER_INTERRUPTED)


@pytest.fixture
def core(unkind_api: Api) -> client.CoreV1Api:
    return patient(unkind_api.core(), 1, LOG)


def make_pod(api: Api, script: str = "echo token s3cret; echo '7|from the helper'; exit 1") -> Any:
    """Run a pod whose containers have the names of a job's."""
    service = {"name": "svc-0", "image": "test", "command": ["sh", "-c", "echo no space; exit 1"]}
    helper = {"name": "helper", "image": "test", "command": ["sh", "-c", script]}
    made = pod("job", container={"name": "build", "command": ["sh", "-c", "exit 137"]})
    made["spec"]["containers"] += [service, helper]
    api.create("pods", made)
    api.wait("job", has_ended)
    return client.V1Pod(metadata=client.V1ObjectMeta(name="job", namespace=api.namespace))


def kept(core: client.CoreV1Api, made: client.V1Pod, failure: JobFailure = GONE) -> Any:
    """Return what is kept with the failure of a pod."""
    found = explained(failure, core, made, log_masker(["s3cret"]).text)
    return found.result.pod_end if isinstance(found, PodFailure) else None


def test_every_container_of_a_failed_pod_is_kept(
    core: client.CoreV1Api, unkind_api: Api, caplog: pytest.LogCaptureFixture
):
    """Statuses and logs of all containers, services too; the helper's without its numbers."""
    caplog.set_level(logging.INFO)
    made = make_pod(unkind_api)

    found = kept(core, made)

    containers = {container.name: container for container in found.containers}
    assert containers["build"].exit_code == 137
    assert containers["svc-0"].log == ("no space",)
    assert containers["helper"].log == ("token [MASKED]", "from the helper")
    assert any(event.reason == "Started" for event in found.events)
    assert "::group::What Kubernetes knows of pod job" in caplog.text
    assert "  | no space" in caplog.text


def test_a_killed_script_is_told_its_memory_limit(core: client.CoreV1Api, unkind_api: Api):
    """Process 1 was killed as well and could not ask the kernel: the pod knows the limit."""
    limited = {"name": "build", "resources": {"limits": {"memory": "64Mi"}}}
    unkind_api.create("pods", pod("job", "exit 137", container=limited))
    unkind_api.wait("job", has_ended)
    made = client.V1Pod(metadata=client.V1ObjectMeta(name="job", namespace=unkind_api.namespace))
    killed = JobFailure("exit code 137", reason=FailureReason.SCRIPT_FAILURE, exit_code=137)

    assert str(explained(killed, core, made, str)) == "exit code 137; its memory limit is 64Mi"


def test_a_deleted_pod_leaves_its_events(core: client.CoreV1Api, unkind_api: Api):
    """Somebody has deleted it: what Kubernetes did until then is still known."""
    made = make_pod(unkind_api)
    unkind_api.delete("pods", "job")
    unkind_api.wait_gone("job")

    found = kept(core, made)

    assert found.gone
    assert any(event.reason == "Started" for event in found.events)


@pytest.mark.parametrize("verb", ["get", "list", "log"])
def test_an_api_that_does_not_answer_hides_no_failure(
    core: client.CoreV1Api, unkind_api: Api, faults: Path, verb: str
):
    """Evidence is extra: the failure itself is told in any case."""
    made = make_pod(unkind_api)
    with misbehaving(faults, {"verb": verb, "status": 500}):
        found = explained(GONE, core, made, str)

    assert str(found) == "gone"
    assert found.reason == FailureReason.RUNNER_INTERRUPTED


@pytest.mark.parametrize(
    ("reason", "code", "wanted"),
    [
        (FailureReason.SCRIPT_FAILURE, 1, False),
        (FailureReason.SCRIPT_FAILURE, 137, True),
        (FailureReason.RUNNER_SYSTEM_FAILURE, None, True),
        (FailureReason.RUNNER_INTERRUPTED, None, True),
        (FailureReason.IMAGE_PULL_FAILURE, None, True),
        (FailureReason.MISSING_DEPENDENCY_FAILURE, None, False),
    ],
)
def test_what_explains_itself_costs_nothing(reason: FailureReason, code: int | None, wanted: bool):
    """For a failing script Kubernetes is not asked, for a killed one it is."""
    assert needs_evidence(JobFailure("x", reason=reason, exit_code=code)) == wanted

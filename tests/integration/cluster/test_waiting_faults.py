"""What a job says when its pod does not start or end as it should, in each way of waiting."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_provider.exceptions import JobFailure
from gitlab_ci_provider.model.workspace import BUILD_CONTAINER
from integration.cluster.waiting_task import Task


def on_no_node(task: Task) -> None:
    """Have no node take the pod: then nobody but the test writes its status."""
    task.change = lambda pod: setattr(pod.spec, "node_selector", {"nowhere": "yes"})


def has(task: Task, **status: Any) -> None:
    """Write the status of the pod, as the kubelet does; with a triggerer, once that has the pod."""

    def write() -> None:
        task.core.patch_namespaced_pod_status("job", task.api.namespace, {"status": status})

    if task.way == "worker":
        task.made = write
    else:
        task.after = write


def container(name: str, **state: Any) -> dict[str, Any]:
    """Write the status of a container."""
    common = {"image": "x", "imageID": "", "ready": False, "restartCount": 0}
    return {"name": name, **common, "state": state}


def test_a_pod_that_no_node_takes_says_why(task: Task):
    """With the scheduler's words, also when the triggerer has waited for it."""
    on_no_node(task)
    task.patience = 3

    with pytest.raises(JobFailure, match="no node can run it: 0/1 nodes are available") as failed:
        task.run("true")

    assert failed.value.reason == "runner_system_failure"
    assert task.hops == (task.way != "worker")


def test_an_image_that_cannot_be_pulled_says_why(task: Task):
    """With the registry's words."""
    on_no_node(task)
    why = {"reason": "ErrImagePull", "message": "manifest unknown"}
    has(task, containerStatuses=[container(BUILD_CONTAINER, waiting=why)])

    with pytest.raises(JobFailure, match="manifest unknown") as failed:
        task.run("true")

    assert failed.value.reason == "image_pull_failure"
    assert task.hops == (task.way != "worker")


ENDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "evicted": (
        {"reason": "Evicted", "message": "The node was low on resource: memory."},
        "the pod was evicted: The node was low on resource: memory",
        "runner_interrupted",
    ),
    "past its deadline": (
        {"reason": "DeadlineExceeded", "message": "Pod was active on the node too long"},
        "the pod ran past its deadline",
        "job_execution_timeout",
    ),
    "refused by the node": (
        {"reason": "OutOfcpu", "message": "Node didn't have enough resource: cpu"},
        "the node refused the pod: OutOfcpu",
        "runner_interrupted",
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_how_a_pod_ended_is_said(task: Task, end: str):
    """By the worker, whoever has followed the pod."""
    status, words, reason = ENDS[end]
    on_no_node(task)
    has(task, phase="Failed", **status)

    with pytest.raises(JobFailure, match=words) as failed:
        task.run("true")

    assert failed.value.reason == reason
    assert task.hops == (task.way != "worker")

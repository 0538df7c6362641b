"""A job whose image cannot be pulled says what the registry has said."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client, config

from gitlab_ci_provider.exceptions import JobFailure
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.model.workspace import PREPARE_CONTAINER
from gitlab_ci_provider.runs.job.pod_run import JobPod
from integration.cluster.support import Api, Cluster, pod

LOG = logging.getLogger(__name__)
BACK_OFF = 'Back-off pulling image "r.example.com/x:1"'
SAID = 'Failed to pull image "r.example.com/x:1": 401 Unauthorized'


@pytest.fixture
def watched(cluster: Cluster, api: Api) -> PodWatch:
    """A pod that no node takes, so that nobody but the test writes its status."""
    api.create("pods", pod("job", nodeSelector={"nowhere": "yes"}))
    core = client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))
    return PodWatch(client=core, name="job", namespace=api.namespace)


def waits(watched: PodWatch, reason: str, message: str) -> None:
    """Have the pod's container wait for a reason, as the kubelet writes it."""
    container: dict[str, Any] = {"name": PREPARE_CONTAINER, "image": "x", "imageID": ""}
    container |= {"ready": False, "restartCount": 0}
    container["state"] = {"waiting": {"reason": reason, "message": message}}
    body = {"status": {"containerStatuses": [container]}}
    watched.client.patch_namespaced_pod_status(watched.name, watched.namespace, body)


def failure(watched: PodWatch) -> str:
    """Wait for the start of the pod; give what the job says of it."""
    run: Any = SimpleNamespace(
        context={},
        job=SimpleNamespace(coverage=None),
        settings=SimpleNamespace(pod_start_timeout=60),
    )
    operator: Any = SimpleNamespace(log=LOG)
    with pytest.raises(JobFailure) as failed:
        JobPod(operator, run)._wait_for(PREPARE_CONTAINER, watched)
    assert failed.value.reason == "image_pull_failure"
    return str(failed.value)


def test_words_of_a_passing_status_are_kept(watched: PodWatch):
    """The kubelet says them once, then only that it waits."""
    waits(watched, "ErrImagePull", "manifest unknown")
    read = Event()

    class Seeing(PodWatch):
        def read(self) -> client.V1Pod:
            found = PodWatch.read(self)
            read.set()
            return found

    seeing = Seeing(client=watched.client, name=watched.name, namespace=watched.namespace)
    with ThreadPoolExecutor(1) as job:
        told = job.submit(failure, seeing)
        assert read.wait(60)
        waits(watched, "ImagePullBackOff", BACK_OFF)

    assert "manifest unknown" in told.result(60)
    assert BACK_OFF in told.result()


def test_words_of_events_are_found(watched: PodWatch, caplog: pytest.LogCaptureFixture):
    """Whoever comes too late for the status reads the pod's events, and shows them."""
    now = datetime.now(UTC)
    involved = client.V1ObjectReference(kind="Pod", name="job", namespace=watched.namespace)
    for number, message in enumerate((SAID, "Error: ErrImagePull")):
        event = client.CoreV1Event(
            metadata=client.V1ObjectMeta(name=f"job.{number}"),
            involved_object=involved,
            type="Warning",
            reason="Failed",
            message=message,
            first_timestamp=now,
            last_timestamp=now,
        )
        watched.client.create_namespaced_event(watched.namespace, event)
    waits(watched, "ImagePullBackOff", BACK_OFF)

    assert failure(watched).endswith(f"{BACK_OFF}: {SAID}")
    assert SAID in caplog.text

"""A job whose image cannot be pulled says what the registry has said."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes import client, config

from gitlab_ci_provider.exceptions import JobFailure
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.model.workspace import PREPARE_CONTAINER
from gitlab_ci_provider.pods.asking import Until
from gitlab_ci_provider.pods.seen import SeenPod
from gitlab_ci_provider.pods.starting import Starting
from gitlab_ci_provider.runs.job.coverage import CoverageScan
from gitlab_ci_provider.runs.job.follower import Follower
from gitlab_ci_provider.runs.job.log import JobLog
from integration.cluster.job_pods import pod_worker
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


def starts(watched: PodWatch) -> None:
    """Have the pod's container run."""
    container: dict[str, Any] = {"name": PREPARE_CONTAINER, "image": "x", "imageID": ""}
    container |= {"ready": True, "restartCount": 0, "state": {"running": {}}}
    body = {"status": {"containerStatuses": [container]}}
    watched.client.patch_namespaced_pod_status(watched.name, watched.namespace, body)


def failure(watched: PodWatch) -> str:
    """Wait for the start of the pod; give what the job says of it."""
    with pytest.raises(JobFailure) as failed:
        pod_worker(LOG, 60).follow(watched)
    assert failed.value.reason == "image_pull_failure"
    return str(failed.value)


def test_an_image_that_does_not_exist_fails_at_once(watched: PodWatch):
    """The registry's words are in the failure."""
    waits(watched, "ErrImagePull", "manifest unknown")

    assert "manifest unknown" in failure(watched)


def test_a_registry_that_stutters_is_asked_again(watched: PodWatch):
    """The job goes on waiting while the kubelet tries again, and says so; then the pod starts."""
    waits(watched, "ErrImagePull", "503 Service Unavailable")

    class Mending(PodWatch):
        """Has the next try succeed once the job has seen the first one fail."""

        def read(self) -> SeenPod:
            found = PodWatch.read(self)
            waits(watched, "ImagePullBackOff", BACK_OFF)
            starts(watched)
            return found

    seen = Mending(client=watched.client, name=watched.name, namespace=watched.namespace)

    said: list[str] = []
    follower = Follower(
        log=JobLog(said.append),
        coverage=CoverageScan(None),
        starting=Starting(grace=60, say=said.append),
        patience=60,
    )
    begun = next(follower.steps())

    assert isinstance(begun, Until)
    assert seen.until(begun.condition, begun.seconds)
    assert sum("trying again: 503 Service Unavailable" in words for words in said) == 1


def test_words_of_events_are_found(watched: PodWatch, caplog: pytest.LogCaptureFixture):
    """What the registry has said to an earlier try is in the pod's events; they are shown."""
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
    waits(watched, "ErrImagePull", "unknown")

    assert failure(watched).endswith(f"unknown: {SAID}")
    assert SAID in caplog.text


def test_a_pod_that_never_starts_says_what_it_waited_for(watched: PodWatch):
    """The scheduler's reason, for as long as `pod_start_timeout`: a node may be on its way."""
    with pytest.raises(JobFailure, match="no node can run it: 0/1 nodes are available") as failed:
        pod_worker(LOG, 1).follow(watched)

    assert failed.value.reason == "runner_system_failure"

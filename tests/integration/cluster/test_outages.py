"""What a job asks of Kubernetes gets its answer, however badly the API behaves meanwhile."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.hooks.outages import patient
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.hooks.resource_groups import ResourceGroup
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from gitlab_ci_provider.pods.status import container_state, has_ended
from gitlab_ci_provider.runs.job.objects import (
    LIFE,
    create,
    delete_pod,
    find_again,
    give_secret,
)
from gitlab_ci_provider.schedule.resource_group import Claim, ProcessMode, take
from integration.cluster.faults import misbehaving, tell
from integration.cluster.support import Api, EmbeddedCluster, refused
from processes.waiting import PATIENCE, wait_until

LOG = logging.getLogger(__name__)
ONCE = {"count": 2}
EVERY_KIND = [
    {"status": 429, "retry_after": 1, "count": 1},
    *({"status": code, **ONCE} for code in (500, 502, 503, 504)),
    {"after_bytes": 0, **ONCE},
]


@pytest.fixture
def core(unkind: tuple[EmbeddedCluster, Path]) -> client.CoreV1Api:
    """A client with a minute's patience."""
    made = client.CoreV1Api(config.new_client_from_config(str(unkind[0].kubeconfig)))
    return patient(made, 60, LOG)


@pytest.fixture
def operator(core: client.CoreV1Api) -> Any:
    return SimpleNamespace(client=core, log=LOG)


@pytest.fixture
def api(unkind: tuple[EmbeddedCluster, Path]):
    found = unkind[0].api()
    found.http.post("/api/v1/namespaces", json={"metadata": {"name": "outages"}})
    found.namespace = "outages"
    yield found
    found.http.delete("/api/v1/namespaces/outages")
    found.close()


def make(name: str, script: str = "sleep 600", life: str = "2.0.0.0") -> client.V1Pod:
    """Make a job's pod of one container, in the life of a task."""
    labels = {"dag_id": "d", "task_id": "t", "run_id": "r", f"{LABEL_DOMAIN}/{LIFE}": life}
    container = client.V1Container(name="build", image="x", command=["sh", "-c", script])
    return client.V1Pod(
        metadata=client.V1ObjectMeta(name=name, namespace="outages", labels=labels),
        spec=client.V1PodSpec(
            restart_policy="Never", containers=[container], termination_grace_period_seconds=0
        ),
    )


def secret_of(pod: client.V1Pod, text: str = "plan") -> client.V1Secret:
    meta = client.V1ObjectMeta(name=pod.metadata.name)
    return client.V1Secret(metadata=meta, string_data={"plan.json": text})


@pytest.mark.parametrize("fault", EVERY_KIND, ids=str)
@pytest.mark.parametrize("verb", ["create", "patch", "get", "list", "delete"])
def test_each_call_is_made_until_it_is_answered(
    core: client.CoreV1Api, api: Api, faults: Path, operator: Any, verb: str, fault: dict[str, Any]
):
    """Two bad answers to every kind of request: one pod, one Secret that it owns, then none."""
    pod = make("job")
    with misbehaving(faults, {"verb": verb, "path": "*outages*", **fault}):
        created = create(core, pod, secret_of(pod))
        found = find_again(operator, pod)
        seen = PodWatch(client=core, name="job", namespace="outages").read()
        (secret,) = (
            one for one in core.list_namespaced_secret("outages").items if one.type == "Opaque"
        )
        delete_pod(core, created)

    assert found is not None
    assert created.metadata.uid == found.metadata.uid == seen.metadata.uid
    assert secret.metadata.owner_references[0].uid == created.metadata.uid
    wait_until(lambda: api.names("pods") == [], "the end of the pod")
    wait_until(lambda: "job" not in api.names("secrets"), "the end of its Secret")


def test_a_refusal_is_no_outage(core: client.CoreV1Api, api: Api, faults: Path):
    """What Kubernetes refuses is raised at once, and leaves no Secret."""
    pod = make("job")
    pod.spec.containers[0].name = "NOT VALID"

    with pytest.raises(ApiException) as refused:
        create(core, pod, secret_of(pod))

    assert refused.value.status == 422
    assert "job" not in api.names("secrets")


def test_creating_again_changes_nothing(core: client.CoreV1Api, api: Api, faults: Path):
    """A second try of the same life gets the pod of the first."""
    pod = make("job")

    first = create(core, pod, secret_of(pod))
    second = create(core, pod, secret_of(pod, "of the second try"))

    assert first.metadata.uid == second.metadata.uid
    assert core.read_namespaced_secret("job", "outages").data["plan.json"] == "cGxhbg=="


def owner_of(core: client.CoreV1Api, name: str) -> str:
    """Return the UID of the newest owner of a Secret."""
    found = core.read_namespaced_secret(name, "outages").metadata.owner_references
    return str(found[-1].uid)


def test_a_secret_of_an_earlier_pod_is_used_again(core: client.CoreV1Api, api: Api, faults: Path):
    """A pod of the same name is gone, its Secret not yet: it is written again, with a new owner."""
    pod = make("job")
    core.create_namespaced_secret("outages", secret_of(pod, "old"))

    created = create(core, pod, secret_of(pod, "new"))

    assert core.read_namespaced_secret("job", "outages").data["plan.json"] == "bmV3"
    assert owner_of(core, "job") == created.metadata.uid


def test_a_pod_without_its_secret_gets_it(core: client.CoreV1Api, api: Api, faults: Path):
    """The worker was lost between making the pod and the Secret: the next try makes that."""
    pod = make("job")
    found = core.create_namespaced_pod("outages", pod)

    give_secret(core, found, secret_of(pod))
    give_secret(core, found, secret_of(pod, "of another try"))

    assert core.read_namespaced_secret("job", "outages").data["plan.json"] == "cGxhbg=="
    assert owner_of(core, "job") == found.metadata.uid


def test_a_secret_is_never_without_an_owner(core: client.CoreV1Api, api: Api, faults: Path):
    """Nothing is left when the worker dies at any moment: the Secret comes after its pod."""
    pod = make("job")
    with misbehaving(faults, {"verb": "create", "path": "*/secrets*", "status": 403}):
        with pytest.raises(ApiException):
            create(core, pod, secret_of(pod))
        assert api.names("pods") == ["job"]
    api.delete("pods", "job")

    assert "job" not in api.names("secrets")


def test_deleting_spares_another_pod_of_the_name(core: client.CoreV1Api, api: Api, faults: Path):
    """Somebody has deleted the pod and made another: that one is not ours."""
    pod = make("job")
    first = core.create_namespaced_pod("outages", pod)
    delete_pod(core, first)
    wait_until(lambda: api.names("pods") == [], "the end of the first pod")
    core.create_namespaced_pod("outages", pod)

    delete_pod(core, first)

    assert api.names("pods") == ["job"]


def test_anothers_pod_is_not_taken(core: client.CoreV1Api, api: Api, faults: Path):
    """A pod that happens to have the name, of another life, is not followed."""
    create(core, make("job", life="9.0.0.0"), secret_of(make("job")))

    with pytest.raises(SystemFailure, match="another pod named job"):
        create(core, make("job"), secret_of(make("job")))


def test_only_the_pod_of_the_same_life_is_found_again(
    core: client.CoreV1Api, api: Api, faults: Path, operator: Any
):
    """It is found whether it runs or has ended; pods of earlier lives are deleted.

    The pod of the task itself stays, which Airflow's KubernetesExecutor gives the same labels.
    """
    create(core, make("ours", "exit 3"), secret_of(make("ours")))
    create(core, make("old", life="1.0.0.0"), secret_of(make("old")))
    worker = make("worker", "sleep 1000")
    worker.metadata.labels = {
        name: text for name, text in worker.metadata.labels.items() if "/" not in name
    }
    core.create_namespaced_pod("outages", worker)
    PodWatch(client=core, name="ours", namespace="outages").until(has_ended, PATIENCE)

    found = find_again(operator, make("ours"))

    assert found is not None
    assert (found.metadata.name, found.status.phase) == ("ours", "Failed")
    wait_until(lambda: sorted(api.names("pods")) == ["ours", "worker"], "the end of the old pod")


def test_waiting_for_a_pod_outlasts_an_outage(
    core: client.CoreV1Api, api: Api, faults: Path, unkind: tuple[EmbeddedCluster, Path]
):
    """While nobody listens the pod goes on, and its end is seen afterwards."""
    pod = make("job", "while [ ! -e /tmp/none ]; do sleep 0.1; [ $SECONDS -lt 3 ] || exit 7; done")
    pod.spec.containers[0].command = ["bash", "-c", pod.spec.containers[0].command[2]]
    create(core, pod, secret_of(pod))
    tell(faults, {"outage": True, "seconds": 4})

    ended = PodWatch(client=core, name="job", namespace="outages").until(has_ended, PATIENCE)

    assert ended is not None
    assert container_state(ended, "build").exit_code == 7


@pytest.mark.parametrize(
    "fault",
    [{"expire": True}, {"status": 410}, {"status": 500}, {"after_bytes": 10}, {"after_lines": 1}],
    ids=str,
)
def test_a_watch_that_breaks_is_begun_anew(
    core: client.CoreV1Api, api: Api, faults: Path, fault: dict[str, Any]
):
    """Expired, refused and cut watches lose no end of a pod."""
    pod = make("job", "sleep 0.5; exit 7")
    create(core, pod, secret_of(pod))
    tell(faults, {"verb": "watch", "pod": "job", "count": 3, **fault})

    ended = PodWatch(client=core, name="job", namespace="outages").until(has_ended, PATIENCE)

    assert ended is not None
    assert ended.status.phase == "Failed"


def test_patience_has_an_end(
    unkind: tuple[EmbeddedCluster, Path], api: Api, faults: Path, caplog: pytest.LogCaptureFixture
):
    """After its seconds the problem is raised, and later calls do not wait again."""
    made = client.CoreV1Api(config.new_client_from_config(str(unkind[0].kubeconfig)))
    core = patient(made, 1, LOG)
    with misbehaving(faults, {"outage": True}):
        wait_until(lambda: refused(unkind[0]), "an outage")
        for _ in range(2):
            with pytest.raises(HTTPError):
                core.list_namespaced_pod("outages")
    wait_until(lambda: not refused(unkind[0]), "the end of the outage")

    told = Counter(record.message.partition(" (")[0] for record in caplog.records)
    assert told["Kubernetes does not answer"] == 1


@pytest.mark.parametrize("verb", ["create", "update", "get"])
def test_a_resource_group_is_taken_once_though_answers_are_lost(
    core: client.CoreV1Api, api: Api, faults: Path, verb: str
):
    """A job that has taken a group without getting the answer has it; nobody else gets it."""
    ours, theirs = (
        Claim(pipeline=number, dag_id="d", run_id=f"r{number}", task_id="t", since=f"{number}")
        for number in (1, 2)
    )
    with misbehaving(faults, {"verb": verb, "path": "*configmaps*", "after_bytes": 0, **ONCE}):
        group = ResourceGroup(core, "outages", "airflow", "group/project", "production")
        first = group.update(lambda found: take(found, ours, ProcessMode.UNORDERED))
        second = group.update(lambda found: take(found, theirs, ProcessMode.UNORDERED))

    assert first.holder == ours
    assert second.holder == ours

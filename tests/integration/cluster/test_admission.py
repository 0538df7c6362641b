"""A pod that the API does not admit: waited for while a quota is used up, else refused in words."""

from __future__ import annotations

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from gitlab_ci_provider.exceptions import JobFailure, SystemFailure
from gitlab_ci_provider.hooks.kubernetes import identify
from gitlab_ci_provider.hooks.outages import patient
from gitlab_ci_provider.runs.job.admission import admitted
from gitlab_ci_provider.runs.job.objects import create
from integration.cluster.faults import misbehaving
from integration.cluster.support import Api, pod

LOG = logging.getLogger(__name__)
USED_UP = (
    'pods "job" is forbidden: exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4'
)


@pytest.fixture
def core(unkind_api: Api) -> client.CoreV1Api:
    return patient(unkind_api.core(), 1, LOG)


def refused(message: str, code: int = 403, **given: Any) -> dict[str, Any]:
    """Have the API refuse pods, as a real one does."""
    status = {"kind": "Status", "status": "Failure", "code": code, "message": message}
    return {
        "verb": "create",
        "path": "*/pods*",
        "status": code,
        "body": json.dumps(status),
        **given,
    }


def make(core: client.CoreV1Api, api: Api) -> client.V1Pod:
    """Create a job's pod and its Secret."""
    labels = {"dag_id": "d", "task_id": "t", "run_id": "r", "airflow-provider-gitlab-ci/life": "1"}
    made = core.api_client.deserialize(
        type("Answer", (), {"data": json.dumps(pod("job", "sleep 600"))}), "V1Pod"
    )
    made.metadata.namespace, made.metadata.labels = api.namespace, labels
    secret = client.V1Secret(metadata=client.V1ObjectMeta(name="job"), string_data={"k": "v"})
    return create(core, made, secret)


def unmoved() -> None:
    """Want the pod, whatever happens."""


def test_a_quota_that_is_used_up_is_waited_for(
    core: client.CoreV1Api, unkind_api: Api, faults: Path, caplog: pytest.LogCaptureFixture
):
    """The pod is created once others have ended, and the reason is told once meanwhile."""
    with misbehaving(faults, refused(USED_UP, count=3)):
        made = admitted(
            partial(make, core, unkind_api), 60, still_wanted=unmoved, sleep=lambda _: None
        )

    assert made.metadata.uid
    assert unkind_api.names("pods") == ["job"]
    assert caplog.text.count("waiting up to 60 s: the namespace's quota is used up") == 1


def test_a_quota_that_stays_used_up_fails_the_job(
    core: client.CoreV1Api, unkind_api: Api, faults: Path
):
    """After its time the job says what it has waited for."""
    words = "Kubernetes refused for 0 s: the namespace's quota is used up: .*exceeded quota: q"
    with misbehaving(faults, refused(USED_UP)), pytest.raises(SystemFailure, match=words):
        admitted(partial(make, core, unkind_api), 0, still_wanted=unmoved)


def test_a_job_that_is_canceled_stops_waiting_for_a_quota(
    core: client.CoreV1Api, unkind_api: Api, faults: Path
):
    """There is no pod yet whose deletion it could see."""

    def canceled() -> None:
        raise JobFailure("canceled by hand")

    with misbehaving(faults, refused(USED_UP)), pytest.raises(JobFailure, match="by hand"):
        admitted(partial(make, core, unkind_api), 60, still_wanted=canceled, sleep=lambda _: None)


REFUSALS = {
    "limit-range": ("maximum memory usage per Container is 64Mi, but limit is 128Mi", "LimitRange"),
    "pod-security": ('violates PodSecurity "restricted:latest": privileged', "Pod Security"),
    "webhook": ('admission webhook "w" denied the request: no', "admission webhook"),
    "service-account": ('error looking up service account n/s: "s" not found', "service account"),
    "namespace": ("unable to create new content in namespace n because it is being terminated", ""),
    "rbac": (
        'User "airflow" cannot create resource "pods" in API group "" in the namespace "ci"',
        "airflow may not create pods in namespace ci",
    ),
    "whole-quota": (
        "exceeded quota: q, requested: limits.cpu=2, used: limits.cpu=0, limited: limits.cpu=500m",
        "whole quota",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_fails_the_job_at_once(
    core: client.CoreV1Api, unkind_api: Api, faults: Path, case: str
):
    """Nothing gets better by asking again; the cause and Kubernetes' words are told."""
    said, cause = REFUSALS[case]
    message = f'pods "job" is forbidden: {said}'
    with misbehaving(faults, refused(message)), pytest.raises(SystemFailure) as failed:
        admitted(partial(make, core, unkind_api), 600, still_wanted=unmoved)

    assert str(failed.value).startswith("Kubernetes refused: ")
    assert cause in str(failed.value)
    assert said in str(failed.value)
    assert unkind_api.names("pods") == []


def test_an_expired_token_is_named(api: Api):
    """Kubernetes says `Unauthorized`, twice, and not of whom."""
    core = api.core()
    identify(core, "expired", outage=0)

    with pytest.raises(SystemFailure, match="does not know the account of the connection"):
        admitted(partial(make, core, api), 600, still_wanted=unmoved)


def test_a_namespace_that_does_not_exist_is_named(api: Api, monkeypatch: pytest.MonkeyPatch):
    """It may be a mistyped one of the runner or the connection."""
    monkeypatch.setattr(api, "namespace", "nowhere")

    with pytest.raises(SystemFailure, match='does not exist: 404 Not Found: namespaces "nowhere"'):
        admitted(partial(make, api.core(), api), 600, still_wanted=unmoved)


def test_an_outage_is_not_a_refusal(core: client.CoreV1Api, unkind_api: Api, faults: Path):
    """It is left to the code that handles outages."""
    with misbehaving(faults, refused("busy", 503)), pytest.raises(ApiException):
        admitted(partial(make, core, unkind_api), 600, still_wanted=unmoved)

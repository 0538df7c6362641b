"""What tasks do to pods and resource groups that are not their own, by way of a real API."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from kubernetes import client, config

from factories import PROJECT, make_job, make_pipeline, make_run
from gitlab_ci_provider.hooks.resource_groups import ResourceGroup
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.rules import JobDecision, When
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.model.variables import ConfiguredVariables
from gitlab_ci_provider.planner.resource_group import resource_groups
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN, label_value
from gitlab_ci_provider.pods.pod import PodRequest, build_pod
from gitlab_ci_provider.runs.cancel.pods import CANCELED, PodsOf, delete_pods, sweep_pods
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.job.objects import LIFE
from gitlab_ci_provider.runs.resource_group.turn import announce
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from integration.cluster.support import Api, Cluster
from processes.waiting import wait_until

LABELS = {
    f"{LABEL_DOMAIN}/installation": "this",
    f"{LABEL_DOMAIN}/project": label_value(PROJECT.path),
    f"{LABEL_DOMAIN}/pipeline": "1",
}
SERVICE = PlannedService(
    name="s", image=Image(name="debian:12"), hosts=(), command=None, environment={}
)
STUBBORN = "trap : TERM; echo ready; while :; do sleep 0.1; done"


@pytest.fixture
def core(cluster: Cluster) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))


@pytest.fixture
def settings(
    cluster: Cluster, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings whose connection leads to the test's own namespace."""
    extra = {"kube_config_path": str(cluster.kubeconfig), "namespace": api.namespace}
    connection = json.dumps({"conn_type": "kubernetes", "extra": extra})
    monkeypatch.setenv("AIRFLOW_CONN_GITLAB_CI_KUBERNETES", connection)
    return Settings(home=tmp_path)


def make_pod(
    core: client.CoreV1Api, namespace: str, name: str, services: int = 0, **labels: str
) -> client.V1Pod:
    """Make a pod with the labels of a job's, which does not end by TERM."""
    request = PodRequest(
        name=name,
        image=Image(name="debian:12"),
        profile=RunnerProfile(helper_image="x", namespace=namespace),
        deadline=600,
        grace=90,
        services=(SERVICE,) * services,
        labels={
            "installation": "this",
            "project": PROJECT.path,
            "pipeline": "1",
            LIFE: "2",
            **labels,
        },
        annotations=labels,
    )
    pod = build_pod(request)
    pod.metadata.labels |= {"dag_id": "dag", "task_id": "job", "run_id": "run"}
    pod.metadata.labels |= {"try_number": "1", "kubernetes_pod_operator": "True"}
    container = client.V1Container(name="build", image="debian:12", command=["sh", "-c", STUBBORN])
    pod.spec.init_containers, pod.spec.containers, pod.spec.volumes = [], [container], []
    core.create_namespaced_pod(namespace, pod)
    wait_until(lambda: "ready" in log_of(core, namespace, name), f"pod {name}")
    return pod


def log_of(core: client.CoreV1Api, namespace: str, name: str) -> str:
    try:
        return core.read_namespaced_pod_log(name, namespace) or ""  # none before it has a node
    except client.ApiException:
        return ""


def deleting(core: client.CoreV1Api, namespace: str) -> dict[str, client.V1Pod]:
    pods = core.list_namespaced_pod(namespace).items
    return {pod.metadata.name: pod for pod in pods if pod.metadata.deletion_timestamp}


def test_pods_of_some_jobs_of_one_pipeline_are_deleted(
    core: client.CoreV1Api, api: Api, settings: Settings
):
    """Others stay; people who look at a pod read why; its job has the time that it needs."""
    make_pod(core, api.namespace, "mine", job="test: [a]")
    make_pod(core, api.namespace, "served", services=1, job="test: [a]")
    make_pod(core, api.namespace, "other-job", job="test: [b]")
    make_pod(core, api.namespace, "other-pipeline", job="test: [a]", pipeline="2")
    make_pod(core, api.namespace, "other-airflow", job="test: [a]", installation="another")

    deleted = delete_pods(settings, PodsOf("this", PROJECT.path, 1), "by pipeline 7", ["test: [a]"])

    found = deleting(core, api.namespace)
    assert deleted == list(found) == ["mine", "served"]
    assert found["mine"].metadata.annotations[CANCELED] == "by pipeline 7"
    assert found["served"].spec.termination_grace_period_seconds == 30
    assert [pod.metadata.deletion_grace_period_seconds for pod in found.values()] == [90, 90]


def test_what_ended_jobs_have_left_is_swept(core: client.CoreV1Api, api: Api, settings: Settings):
    """Pods of jobs that have ended go, and Secrets without a pod; a job that runs keeps both."""
    for name in ("left", "orphan"):
        secret = client.V1Secret(metadata=client.V1ObjectMeta(name=name, labels=LABELS))
        core.create_namespaced_secret(api.namespace, secret)
    make_pod(core, api.namespace, "left", job="a")
    make_pod(core, api.namespace, "running", job="b")

    first = sweep_pods(settings, PodsOf("this", PROJECT.path, 1), ["a"])
    kept = api.names("secrets")
    second = sweep_pods(settings, PodsOf("this", PROJECT.path, 1), ["a", "b"])

    assert (first, second) == (["left"], ["running"])
    assert set(kept) == {"left", "orphan"}
    assert api.names("secrets") == []


@pytest.mark.parametrize("mode", ["unordered", "oldest_first"])
def test_a_new_pipeline_announces_jobs_where_order_matters(
    core: client.CoreV1Api, api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch, mode: str
):
    """Names are expanded; jobs that wait for a person, or have no group, are not announced."""
    text = {"group/project": {"resource_groups": {"deploy/main": mode}}}
    monkeypatch.setenv("AIRFLOW_VAR_GITLAB_CI_PROJECTS", json.dumps(text))
    grouped = {"resource_group": "deploy/$CI_COMMIT_REF_NAME"}
    jobs = (make_job("a", **grouped), make_job("b", **grouped), make_job("c"))
    pipeline = make_pipeline(*jobs)
    run = make_run(
        id=3,
        digest=open_state(settings).snapshots.save_pipeline(pipeline),
        dag_id="dag",
        run_id="run",
        decisions={name: JobDecision(job=name, present=True) for name in "abc"},
    )
    run = replace(run, resource_groups=resource_groups(run, pipeline, ConfiguredVariables()))
    manual = {**run.decisions, "b": replace(run.decisions["b"], when=When.MANUAL)}

    task = TaskContext(context={}, settings=settings, state=open_state(settings))
    announce(task, replace(run, decisions=manual))

    installation = task.state.installation.name()
    group = ResourceGroup(core, api.namespace, installation, PROJECT.path, "deploy/main")
    claims = group.update(lambda found: found).claims
    wanted = [("a", False, 3)] if mode == "oldest_first" else []
    assert [(one.task_id, one.ready, one.pipeline) for one in claims] == wanted

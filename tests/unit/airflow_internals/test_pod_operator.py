"""`KubernetesPodOperator` still keeps what the job operator, its subclass, relies on."""

from __future__ import annotations

import inspect
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes import client as k8s

from gitlab_ci_provider.airflow_internals import pod_operator
from gitlab_ci_provider.operators.job import GitlabJobOperator
from gitlab_ci_provider.pods.grace import noted_grace
from unit.airflow_internals.contracts import contract


class Hook:
    """As much of a hook as building a pod asks for."""

    is_in_cluster = False

    def get_namespace(self) -> str:
        return "jobs"


class Client:
    """Notes which pods are deleted."""

    def __init__(self) -> None:
        self.deleted: list[dict[str, Any]] = []

    def delete_namespaced_pod(self, **given: Any) -> None:
        self.deleted.append(given)


@pytest.fixture
def operator() -> GitlabJobOperator:
    made = GitlabJobOperator(task_id="unit", job="unit")
    made.__dict__.update(hook=Hook(), client=Client())
    return made


def _pod(namespace: str | None = None) -> k8s.V1Pod:
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="job-1", namespace=namespace, labels={"ours": "1"}),
        spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="build", image="debian:12")]),
    )


def test_the_request_is_our_pod_with_the_operators_labels(operator: GitlabJobOperator):
    """The pod keeps its name and containers, and gets what a lost worker's pod is found by."""
    ti = SimpleNamespace(dag_id="d", task_id="unit", try_number=2, map_index=-1)
    context: Any = {"ti": ti, "run_id": "r", "dag": SimpleNamespace()}

    with contract("full_pod_spec, pod_request_obj, build_pod_request_obj, labels", "every job"):
        pod = pod_operator.pod_request(operator, context, _pod())
        assert pod is not None
        labels = pod.metadata.labels
        assert (pod.metadata.name, pod.metadata.namespace) == ("job-1", "jobs")
        assert labels["ours"] == "1"
        assert (labels["dag_id"], labels["run_id"]) == ("d", "r")
        assert (labels["task_id"], labels["try_number"]) == ("unit", "2")
        assert [container.name for container in pod.spec.containers] == ["build"]
        assert pod.spec.containers[0].image == "debian:12"
        assert operator.pod_request_obj is pod


def test_the_labels_of_a_pod_are_not_in_the_log_of_a_job(
    operator: GitlabJobOperator, caplog: pytest.LogCaptureFixture
):
    """They would be its first line."""
    own: Any = logging.getLogger("own")
    caplog.set_level(logging.INFO, "own")
    operator.__dict__.update(_cached_logger=own)
    ti = SimpleNamespace(dag_id="d", task_id="unit", try_number=2, map_index=-1)
    context: Any = {"ti": ti, "run_id": "r", "dag": SimpleNamespace()}

    with contract("_cached_logger, log", "not logging the labels of each job's pod"):
        pod_operator.pod_request(operator, context, _pod())
        assert caplog.text == ""
        assert operator.log is own


def test_a_stopped_task_deletes_its_pod_and_says_so(operator: GitlabJobOperator):
    """`on_kill` deletes `operator.pod` with `operator.client`, which is how a job is canceled."""
    with contract("on_kill, pod, client, _killed", "canceling jobs, and saying that they were"):
        assert not pod_operator.was_killed(operator)
        operator.pod = _pod("jobs")
        operator.on_kill()
        assert pod_operator.was_killed(operator)
        assert operator.client.deleted == [{"name": "job-1", "namespace": "jobs"}]
    with contract("termination_grace_period", "time for after_script where there are services"):
        operator.pod.metadata.annotations = noted_grace(90)
        operator.on_kill()
        assert operator.client.deleted[-1]["grace_period_seconds"] == 90


def test_the_operator_takes_what_we_give_it():
    """Arguments that only this operator has."""
    with contract("KubernetesPodOperator.__init__", "every job"):
        names = set(inspect.signature(KubernetesPodOperator.__init__).parameters)
        wanted = {"base_container_name", "do_xcom_push", "random_name_suffix", "kubernetes_conn_id"}
        assert wanted <= names

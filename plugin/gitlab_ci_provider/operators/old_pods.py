"""Pods that earlier tries of a task have left, which must not be taken for the one of this try.

A pod whose worker was lost is found and followed. One that is being deleted is not; nor is one
from before the task was cleared, when no worker was there to delete it.
"""

from __future__ import annotations

from collections.abc import Iterable

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes import client as k8s

from gitlab_ci_provider.pods.naming import LABEL_DOMAIN

LIFE = "life"
"""Label: which life of the task the pod belongs to; clearing a task begins a new one.

Airflow raises `max_tries` when a task is cleared, and never when a worker is lost.
"""

_TASK_LABELS = ("dag_id", "task_id", "run_id")


def part_with_old_pods(operator: KubernetesPodOperator, pod: k8s.V1Pod) -> None:
    """Have the operator find no pod of this task but one that it may follow.

    Args:
        operator: of the task.
        pod: what it is going to create.
    """
    wanted = pod.metadata.labels
    found = operator.client.list_namespaced_pod(
        pod.metadata.namespace,
        label_selector=",".join(f"{key}={wanted[key]}" for key in _TASK_LABELS),
    )
    life = wanted[f"{LABEL_DOMAIN}/{LIFE}"]
    for old in _outdated(found.items, life):
        operator.patch_already_checked(old, reraise=False)
        if old.metadata.deletion_timestamp is None:
            operator.log.warning("deleting pod %s, left from before the clear", old.metadata.name)
            operator.process_pod_deletion(old, reraise=False)


def _outdated(pods: Iterable[k8s.V1Pod], life: str) -> list[k8s.V1Pod]:
    return [
        pod
        for pod in pods
        if pod.metadata.deletion_timestamp is not None
        or (pod.metadata.labels or {}).get(f"{LABEL_DOMAIN}/{LIFE}") != life
    ]

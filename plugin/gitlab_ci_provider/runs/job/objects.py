"""The pod and the Secret of one life of a job: made once, however often it is asked for.

Their name follows from the life. So a request whose answer was lost can be made again, and a try
whose predecessor's worker was lost finds what that has made, also when the pod has ended since.
"""

from __future__ import annotations

import hashlib

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Context
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from gitlab_ci_provider.pods.pod import owner_patch

LIFE = "life"
"""Label: which life of the job the pod belongs to, see `attempts.py`."""

_TASK_LABELS = ("dag_id", "task_id", "run_id")
_LIFE_LABEL = f"{LABEL_DOMAIN}/{LIFE}"


def life_token(context: Context, life: str) -> str:
    """Make what tells the pod of a life from all others, in its name."""
    ti = context["ti"]
    names = f"{ti.dag_id}\n{ti.run_id}\n{ti.task_id}\n{life}"
    return hashlib.sha256(names.encode()).hexdigest()[:10]


def find_again(operator: KubernetesPodOperator, wanted: k8s.V1Pod) -> k8s.V1Pod | None:
    """Find the pod that a lost worker has left, and delete those of earlier lives.

    Args:
        operator: of the task.
        wanted: the pod of this life, as it would be created.
    """
    labels = wanted.metadata.labels
    found = operator.client.list_namespaced_pod(
        wanted.metadata.namespace,
        label_selector=",".join(f"{key}={labels[key]}" for key in _TASK_LABELS),
    ).items
    for old in found:
        if not _same_life(old, wanted) and old.metadata.deletion_timestamp is None:
            operator.log.warning("deleting pod %s of an earlier life", old.metadata.name)
            delete_pod(operator.client, old)
    return next((pod for pod in found if _same_life(pod, wanted)), None)


def create(client: k8s.CoreV1Api, pod: k8s.V1Pod, secret: k8s.V1Secret) -> k8s.V1Pod:
    """Create the Secret and the pod that owns it; both may be there already.

    Raises:
        SystemFailure: a pod that has nothing to do with this job has its name.
    """
    name, namespace = pod.metadata.name, pod.metadata.namespace
    found = None
    if not _create_secret(client, secret, namespace):
        found = _read(client, pod)
        if found is None:
            client.patch_namespaced_secret(name, namespace, {"stringData": secret.string_data})
    found = found or _create_pod(client, pod)
    if not _same_life(found, pod):
        raise SystemFailure(f"there is another pod named {name}")
    client.patch_namespaced_secret(name, namespace, owner_patch(found))
    return found


def delete_pod(client: k8s.CoreV1Api, pod: k8s.V1Pod) -> None:
    """Delete a pod, and with it its Secret; it may be gone already."""
    try:
        client.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace)
    except ApiException as problem:
        if problem.status != 404:
            raise


def _create_secret(client: k8s.CoreV1Api, secret: k8s.V1Secret, namespace: str) -> bool:
    """Create the Secret; False when a lost worker or a lost answer has left it."""
    try:
        client.create_namespaced_secret(namespace, secret)
    except ApiException as problem:
        if problem.status != 409:
            raise
        return False
    return True


def _create_pod(client: k8s.CoreV1Api, pod: k8s.V1Pod) -> k8s.V1Pod:
    try:
        return client.create_namespaced_pod(pod.metadata.namespace, pod)
    except ApiException as problem:
        found = _read(client, pod) if problem.status == 409 else None
        if found is not None:
            return found
        client.delete_namespaced_secret(pod.metadata.name, pod.metadata.namespace)
        raise


def _read(client: k8s.CoreV1Api, pod: k8s.V1Pod) -> k8s.V1Pod | None:
    try:
        return client.read_namespaced_pod(pod.metadata.name, pod.metadata.namespace)
    except ApiException as problem:
        if problem.status == 404:
            return None
        raise


def _same_life(pod: k8s.V1Pod, wanted: k8s.V1Pod) -> bool:
    theirs, ours = pod.metadata.labels or {}, wanted.metadata.labels
    return all(theirs.get(key) == ours[key] for key in (*_TASK_LABELS, _LIFE_LABEL))

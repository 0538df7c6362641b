"""The pod and the Secret of one life of a job: made once, however often that is requested.

Their name follows from the life. So a request whose answer was lost can be repeated, and a try
after a lost worker finds what that worker has made, even when the pod has ended since.
"""

from __future__ import annotations

import hashlib

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Context
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from gitlab_ci_provider.airflow_internals.tasks import instance_name
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.pods.grace import grace_of_job
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from gitlab_ci_provider.pods.pod import owned_by, owner_references


class ForeignPodError(SystemFailure):
    """A pod that is not this job's has the name that this job's would have."""


LIFE = "life"
"""Label: which life of the job the pod belongs to, see `attempts.py`."""

_TASK_LABELS = ("dag_id", "task_id", "run_id", "map_index")
"""Of Airflow's; only instances of mapped tasks have the last one."""

_LIFE_LABEL = f"{LABEL_DOMAIN}/{LIFE}"


def life_token(context: Context, life: str) -> str:
    """Make the part of the pod's name that is unique for a life."""
    ti = context["ti"]
    names = f"{ti.dag_id}\n{ti.run_id}\n{instance_name(ti)}\n{life}"
    return hashlib.sha256(names.encode()).hexdigest()[:10]


def find_again(operator: KubernetesPodOperator, wanted: k8s.V1Pod) -> k8s.V1Pod | None:
    """Find the pod that a lost worker has left, and delete those of earlier lives.

    With Airflow's KubernetesExecutor, the task itself is in a pod that has the same labels of
    Airflow: it has none of ours.

    Args:
        operator: of the task.
        wanted: the pod of this life, as it would be created.
    """
    labels = wanted.metadata.labels
    task = [f"{key}={labels[key]}" for key in _TASK_LABELS if key in labels]
    found = operator.client.list_namespaced_pod(
        wanted.metadata.namespace, label_selector=",".join([*task, _LIFE_LABEL])
    ).items
    for old in found:
        if not _same_life(old, wanted) and old.metadata.deletion_timestamp is None:
            operator.log.warning("deleting pod %s of an earlier life", old.metadata.name)
            delete_pod(operator.client, old)
    alike = [pod for pod in found if _same_life(pod, wanted)]
    return min(alike, key=_is_being_deleted, default=None)


def _is_being_deleted(pod: k8s.V1Pod) -> bool:
    """Tell whether a pod goes: one with another pull policy may have taken its place."""
    return pod.metadata.deletion_timestamp is not None


def create(client: k8s.CoreV1Api, pod: k8s.V1Pod, *secrets: k8s.V1Secret) -> k8s.V1Pod:
    """Create the pod, and then the Secret that it owns and waits for; both may be there already.

    In this order a Secret always has an owner: it is deleted with its pod, whatever dies between.

    Raises:
        ForeignPodError: a pod that has nothing to do with this job has its name.
    """
    found, is_new = _create_pod(client, pod)
    if not _same_life(found, pod):
        about = pod.metadata
        words = f"there is another pod named {about.name} in namespace {about.namespace}"
        raise ForeignPodError(f"{words}, which is not of this job; delete it if nobody needs it")
    for secret in secrets:
        give_secret(client, found, secret, is_new=is_new)
    return found


def give_secret(
    client: k8s.CoreV1Api, pod: k8s.V1Pod, secret: k8s.V1Secret, *, is_new: bool = False
) -> None:
    """Create the Secret of a pod, if it is not there.

    Args:
        client: of the cluster.
        pod: that owns it.
        secret: as it was built.
        is_new: the pod is new; a Secret that is there is of an earlier one of the same name.
    """
    name, namespace = secret.metadata.name, pod.metadata.namespace
    owned = owned_by(secret, pod)
    try:
        client.create_namespaced_secret(namespace, owned)
    except ApiException as problem:
        if problem.status != 409:
            raise
        # One that is there may have an earlier pod as its owner, and would soon go as that has.
        change = owned if is_new else {"metadata": {"ownerReferences": owner_references(pod)}}
        client.patch_namespaced_secret(name, namespace, change)


def delete_pod(client: k8s.CoreV1Api, pod: k8s.V1Pod, grace: int | None = None) -> None:
    """Delete a pod, and with it its Secret; it may be gone already, and another have its name.

    Args:
        client: of the cluster.
        pod: to delete.
        grace: seconds that its processes have; None for those that a job needs which still runs.
    """
    uid = pod.metadata.uid
    options = k8s.V1DeleteOptions(
        preconditions=k8s.V1Preconditions(uid=uid) if uid else None,
        grace_period_seconds=grace_of_job(pod) if grace is None else grace,
    )
    try:
        client.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace, body=options)
    except ApiException as problem:
        if problem.status not in {404, 409}:
            raise


def _create_pod(client: k8s.CoreV1Api, pod: k8s.V1Pod) -> tuple[k8s.V1Pod, bool]:
    """Create the pod; False when it was there already."""
    try:
        return client.create_namespaced_pod(pod.metadata.namespace, pod), True
    except ApiException as problem:
        place = (pod.metadata.name, pod.metadata.namespace)
        found = read_pod(client, *place) if problem.status == 409 else None
        if found is None:
            raise
        return found, False


def read_pod(client: k8s.CoreV1Api, name: str, namespace: str) -> k8s.V1Pod | None:
    """Read a pod; None when there is none."""
    try:
        return client.read_namespaced_pod(name, namespace)
    except ApiException as problem:
        if problem.status == 404:
            return None
        raise


def _same_life(pod: k8s.V1Pod, wanted: k8s.V1Pod) -> bool:
    theirs, ours = pod.metadata.labels or {}, wanted.metadata.labels
    return all(theirs.get(key) == ours.get(key) for key in (*_TASK_LABELS, _LIFE_LABEL))

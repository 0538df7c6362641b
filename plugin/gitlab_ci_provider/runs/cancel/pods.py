"""Deletes the pods of a pipeline from outside its tasks, with the reason on each pod."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.hooks.kubernetes import UNREACHABLE, connect_to
from gitlab_ci_provider.hooks.outages import say
from gitlab_ci_provider.hooks.runners import ANYWHERE, load_runners, places
from gitlab_ci_provider.pods.grace import grace_of_job
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN, label_value
from gitlab_ci_provider.settings import Settings

_log = logging.getLogger(__name__)

CANCELED = f"{LABEL_DOMAIN}/canceled"
"""Annotation: why a pod is being deleted."""


@dataclass(frozen=True, slots=True)
class PodsOf:
    """Selects the pods of one pipeline.

    Attributes:
        installation: another one may have a pipeline of the same project with the same number.
    """

    installation: str
    project: str
    pipeline: int

    @property
    def selector(self) -> str:
        """The label selector."""
        labels = {
            "installation": self.installation,
            "project": label_value(self.project),
            "pipeline": label_value(str(self.pipeline)),
        }
        return ",".join(f"{LABEL_DOMAIN}/{key}={value}" for key, value in labels.items())


def delete_pods(
    settings: Settings, pods_of: PodsOf, reason: str, jobs: Collection[str] | None = None
) -> list[str]:
    """Delete pods of a pipeline; each ends by itself, `after_script` included.

    Args:
        settings: of this installation.
        pods_of: the pipeline.
        reason: why, for people who look at the pods.
        jobs: only those of these jobs.

    Returns:
        The names of the pods.

    Raises:
        SystemFailure: Kubernetes refuses or cannot be reached.
    """

    def delete(client: k8s.CoreV1Api, namespace: str) -> list[str]:
        pods = _pods(client, namespace, pods_of.selector)
        wanted = [pod for pod in pods if jobs is None or _job(pod) in jobs]
        return [_delete(client, pod, reason, grace_of_job(pod)) for pod in wanted]

    return _everywhere(settings, pods_of, delete)


def sweep_pods(settings: Settings, pods_of: PodsOf, jobs: Collection[str]) -> list[str]:
    """Delete the pods that jobs have left, and Secrets whose pods were never created.

    Returns:
        The names of the pods.

    Raises:
        SystemFailure: Kubernetes refuses or cannot be reached.
    """

    def sweep(client: k8s.CoreV1Api, namespace: str) -> list[str]:
        pods = _pods(client, namespace, pods_of.selector)
        ours = [pod for pod in pods if _job(pod) in jobs]
        if namespace != ANYWHERE and len(ours) == len(pods):
            _delete_secrets(client, namespace, pods_of.selector)
        left = [pod for pod in ours if pod.metadata.deletion_timestamp is None]
        return [_delete(client, pod, "its job has ended", None) for pod in left]

    return _everywhere(settings, pods_of, sweep)


def _everywhere(
    settings: Settings,
    pods_of: PodsOf,
    act: Callable[[k8s.CoreV1Api, str], list[str]],
) -> list[str]:
    """Act in each place where runners run pods; one that is out of reach does not keep the others.

    Raises:
        SystemFailure: for one of those that are out of reach, at the end.
    """
    done: list[str] = []
    failed: Exception | None = None
    for connection, namespace in places(load_runners(settings)):
        try:
            client, own = connect_to(connection, namespace, settings.kubernetes_outage)
            done += act(client, own)
        except UNREACHABLE as problem:
            failed = problem
    if failed is not None:
        message = f"cannot delete the pods of pipeline {pods_of.pipeline}: {say(failed)}"
        raise SystemFailure(message) from failed
    return done


def _pods(client: k8s.CoreV1Api, namespace: str, selector: str) -> list[k8s.V1Pod]:
    """List pods; anywhere where this account may look, if jobs choose their namespace."""
    if namespace != ANYWHERE:
        return list(client.list_namespaced_pod(namespace, label_selector=selector).items)
    try:
        return list(client.list_pod_for_all_namespaces(label_selector=selector).items)
    except ApiException as problem:
        if problem.status != 403:
            raise
        return []


def _delete_secrets(client: k8s.CoreV1Api, namespace: str, selector: str) -> None:
    try:
        client.delete_collection_namespaced_secret(namespace, label_selector=selector)
    except ApiException as problem:
        if problem.status != 403:  # Roles of before 0.2 do not allow it
            raise
        _log.warning("Secrets whose pods were never created are left: %s", say(problem))


def _job(pod: k8s.V1Pod) -> str:
    return str((pod.metadata.annotations or {}).get(f"{LABEL_DOMAIN}/job", ""))


def _delete(client: k8s.CoreV1Api, pod: k8s.V1Pod, reason: str, grace: int | None) -> str:
    name, namespace = pod.metadata.name, pod.metadata.namespace
    try:
        client.patch_namespaced_pod(
            name, namespace, {"metadata": {"annotations": {CANCELED: reason}}}
        )
        options = k8s.V1DeleteOptions(grace_period_seconds=grace)
        client.delete_namespaced_pod(name, namespace, body=options)
    except ApiException as problem:
        if problem.status != 404:
            raise
    return str(name)

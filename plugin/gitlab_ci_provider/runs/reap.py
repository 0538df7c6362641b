"""Deleting what jobs have left whose tasks have ended or do not exist anymore.

Jobs delete their pods themselves, and `finish_pipeline` what lost workers have left. This is for
the rest: runs whose last task never ran, or that were deleted from Airflow. A pod's Secret goes
with it. Only pods that carry the label of this installation are looked at.
"""

from __future__ import annotations

from datetime import UTC, datetime

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.hooks.group_leftovers import TaskStates, abandoned_group, list_groups
from gitlab_ci_provider.hooks.kubernetes import UNREACHABLE
from gitlab_ci_provider.hooks.outages import say
from gitlab_ci_provider.hooks.resource_groups import LABEL
from gitlab_ci_provider.pods.leftovers import INSTALLATION, Leftover, leftover, run_of
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN

_PAGE = 500


def find_leftovers(
    client: k8s.CoreV1Api, namespace: str, installation: str, states: TaskStates
) -> list[Leftover]:
    """List what nobody of an installation needs, the oldest first.

    Pods and groups are listed before Airflow is asked: what a task makes that starts meanwhile is
    not in the list, and a group that it takes has changed.

    Raises:
        SystemFailure: Kubernetes refuses or cannot be reached.
    """
    try:
        groups = list_groups(client, namespace, installation)
        pods = _pods(client, namespace, f"{INSTALLATION}={installation}")
    except UNREACHABLE as problem:
        raise SystemFailure(f"cannot list what is in {namespace}: {say(problem)}") from problem
    runs = {found for pod in pods if (found := run_of(pod)) is not None}
    by_run = {run: states(*run) for run in sorted(runs)}
    now = datetime.now(UTC)
    judged = [leftover(pod, by_run[run], now) for pod in pods if (run := run_of(pod)) is not None]
    busy = {(pod.metadata.labels or {}).get(f"{LABEL_DOMAIN}/{LABEL}", "") for pod in pods}
    judged += [abandoned_group(group, states, now, busy) for group in groups]
    return sorted((found for found in judged if found), key=lambda found: -found.age)


def delete(client: k8s.CoreV1Api, found: Leftover) -> str:
    """Delete one; returns what went wrong, empty when nothing did or it was gone already."""
    same = k8s.V1Preconditions(uid=found.uid, resource_version=found.version or None)
    grace = 0 if found.forced else None
    options = k8s.V1DeleteOptions(preconditions=same, grace_period_seconds=grace)
    act = {"Pod": client.delete_namespaced_pod, "ConfigMap": client.delete_namespaced_config_map}
    try:
        act[found.kind](found.name, found.namespace, body=options)
    except ApiException as problem:
        return "" if problem.status in {404, 409} else say(problem)
    except HTTPError as problem:
        return say(problem)
    return ""


def _pods(client: k8s.CoreV1Api, namespace: str, selector: str) -> list[k8s.V1Pod]:
    pods: list[k8s.V1Pod] = []
    following = None
    while True:
        page = client.list_namespaced_pod(
            namespace, label_selector=selector, limit=_PAGE, _continue=following
        )
        pods += page.items
        following = page.metadata._continue  # noqa: SLF001 - the client's name for `continue`
        if not following:
            return pods

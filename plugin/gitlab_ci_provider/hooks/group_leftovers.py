"""Resource groups that nobody uses anymore: their jobs have ended without giving them back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from gitlab_ci_provider.hooks.outages import say
from gitlab_ci_provider.hooks.resource_groups import LABEL, group_in
from gitlab_ci_provider.pods.leftovers import INSTALLATION, Leftover, why_unneeded
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN

_UNUSED = timedelta(days=1)
"""A group without jobs stays for so long: the next job may come soon."""

_LABEL = f"{LABEL_DOMAIN}/{LABEL}"

_log = logging.getLogger(__name__)

TaskStates = Callable[[str, str], Mapping[str, str | None] | None]
"""Asks Airflow for the states of the tasks of a run, by DAG and run; None for no such run."""


def list_groups(client: k8s.CoreV1Api, namespace: str, installation: str) -> list[k8s.V1ConfigMap]:
    """List the resource groups of an installation."""
    selector = f"{INSTALLATION}={installation},{_LABEL}"
    try:
        return list(client.list_namespaced_config_map(namespace, label_selector=selector).items)
    except ApiException as problem:
        if problem.status != 403:  # Roles of before 0.3 do not allow it
            raise
        _log.warning("resource groups that nobody uses are left: %s", say(problem))
        return []


def abandoned_group(
    config_map: k8s.V1ConfigMap, states: TaskStates, now: datetime, busy: set[str]
) -> Leftover | None:
    """Judge a resource group by what Airflow says of its jobs; None when it may be needed.

    Args:
        config_map: that stores it.
        states: of the tasks of a run; None for no such run.
        now: the time.
        busy: names of groups that have a pod.
    """
    metadata = config_map.metadata
    group = group_in(config_map)
    claims = [claim for claim in (group.holder, *group.claims) if claim is not None]
    age = now - metadata.creation_timestamp
    if metadata.name in busy or (not claims and age < _UNUSED):
        return None
    whys = [why_unneeded(claim.task_id, states(claim.dag_id, claim.run_id)) for claim in claims]
    if None in whys:
        return None
    last = claims[0] if claims else None
    return Leftover(
        kind="ConfigMap",
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        version=metadata.resource_version,
        dag=last.dag_id if last else "",
        run=last.run_id if last else "",
        job=f"resource group {_key(metadata)}",
        why=whys[0] or "" if whys else "no job uses it",
        age=age.total_seconds(),
        phase="",
    )


def _key(metadata: k8s.V1ObjectMeta) -> str:
    return str((metadata.annotations or {}).get(f"{LABEL_DOMAIN}/resource-group-key", ""))

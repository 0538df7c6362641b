"""Pods that their jobs have left: whose they are, and whether anybody still needs them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from kubernetes import client as k8s

from gitlab_ci_provider.model.airflow_states import ENDED
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN

INSTALLATION = f"{LABEL_DOMAIN}/installation"
"""Label: which installation a pod and its Secret belong to."""

DAG, RUN, TASK = "airflow-dag", "airflow-run", "airflow-task"
"""Annotations: which task the pod is for. Labels of Airflow's own say that only shortened."""


_OVERDUE = timedelta(minutes=2)
"""For so long a node may be late to remove a pod that has ended."""

Kind = Literal["Pod", "ConfigMap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A pod that nobody needs, or the ConfigMap of a resource group.

    Attributes:
        version: it is only deleted as long as it has not changed; empty for any.
        job: its name in the pipeline.
        why: nobody needs it.
        age: seconds since it was created.
        phase: of the pod.
        forced: it is deleted without waiting for its node, which should have removed it long ago.
    """

    name: str
    namespace: str
    uid: str
    dag: str
    run: str
    job: str
    why: str
    age: float
    phase: str
    kind: Kind = "Pod"
    version: str = ""
    forced: bool = False


def run_of(pod: k8s.V1Pod) -> tuple[str, str] | None:
    """Return which run a pod is of, by DAG and run; None when it does not say."""
    dag, run, _ = _names(pod)
    return (dag, run) if dag and run else None


def leftover(
    pod: k8s.V1Pod, states: Mapping[str, str | None] | None, now: datetime
) -> Leftover | None:
    """Judge a pod by what Airflow says of its run; None when it may still be needed.

    Args:
        pod: of this installation.
        states: of the run's tasks; None when Airflow has no such run.
        now: the time.
    """
    dag, run, task = _names(pod)
    metadata = pod.metadata
    stuck = _is_stuck(pod, now)
    if (metadata.deletion_timestamp is not None and not stuck) or not (dag and run and task):
        return None
    why = why_unneeded(task, states)
    if why is None:
        return None
    return Leftover(
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        dag=dag,
        run=run,
        job=(metadata.annotations or {}).get(f"{LABEL_DOMAIN}/job", task),
        why=f"{why}, and its node does not remove it" if stuck else why,
        age=(now - metadata.creation_timestamp).total_seconds(),
        phase=(pod.status.phase or "") if pod.status else "",
        forced=stuck,
    )


def _is_stuck(pod: k8s.V1Pod, now: datetime) -> bool:
    """Tell whether a pod was deleted and has ended, and its node keeps it nevertheless.

    The kubelet of Kubernetes 1.20 does so for ever when it starts again after the deletion: it
    waits for the pod's Secrets, to which it has no access anymore.
    """
    due = pod.metadata.deletion_timestamp
    ended = pod.status is not None and pod.status.phase in {"Succeeded", "Failed"}
    return due is not None and ended and now > due + _OVERDUE


def why_unneeded(task: str, states: Mapping[str, str | None] | None) -> str | None:
    """Return why nobody needs what a task has made; None when somebody may.

    A task without a state has been cleared and will find its pod, or delete it; so does one that
    is to be retried.
    """
    if states is None:
        return "its run no longer exists"
    if task not in states:
        return "its task no longer exists"
    state = states[task]
    return f"its task has ended ({state})" if state in ENDED else None


def _names(pod: k8s.V1Pod) -> tuple[str, str, str]:
    found = pod.metadata.annotations or {}
    dag, run, task = (str(found.get(f"{LABEL_DOMAIN}/{key}", "")) for key in (DAG, RUN, TASK))
    return dag, run, task

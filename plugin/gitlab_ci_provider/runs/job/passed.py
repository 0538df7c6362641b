"""A job that has passed while the triggerer followed its pod, and whose task ends there.

Airflow lets a trigger end its task, which then needs no worker and no slot for its end. That is
for jobs that leave nothing to do but to record their result and to delete their pod: `needs_worker`
tells before the pod is left, `passed` when it has ended. All others get a worker.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

from gitlab_ci_provider.airflow_internals.tasks import hears_of_successes
from gitlab_ci_provider.hooks.async_kubernetes import Cluster
from gitlab_ci_provider.model.report import ReportLevel
from gitlab_ci_provider.model.run import JobResult
from gitlab_ci_provider.planner.plan import PlannedJob
from gitlab_ci_provider.pods.outcome import outcome
from gitlab_ci_provider.pods.seen import SeenPod
from gitlab_ci_provider.pods.service_states import service_deaths
from gitlab_ci_provider.pods.status import was_early
from gitlab_ci_provider.runs.job.handover import Handover
from gitlab_ci_provider.runs.job.pod_result import names_foreign, result_of
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.task.task_run import TaskRun


def needs_worker(operator: KubernetesPodOperator, run: JobRun, planned: PlannedJob) -> bool:
    """Tell whether a worker has to come back even if the job passes.

    It records deployments, frees resource groups, tells GitLab, and gives the task of a DAG that
    people have written its value. It calls, too, whom Airflow tells of successes only in workers.
    """
    report = run.record.report
    return bool(
        isinstance(run, TaskRun)
        or planned.environment
        or planned.release
        or run.job.name in run.record.resource_groups
        or (report and report.level is ReportLevel.JOBS)
        or operator.outlets
        or operator.on_success_callback
        or hears_of_successes()
    )


def passed(handover: Handover, pod: SeenPod | None) -> JobResult | None:
    """Return the result of a job that has passed; None if a worker has to look at its pod.

    Args:
        handover: with the position at which the log ends.
        pod: as it ended.
    """
    if pod is None or handover.why or not handover.archive_key:
        return None
    end = outcome(pod)
    if end.failure_reason or end.left_out or pod.metadata.deletion_timestamp:
        return None
    if service_deaths(pod, handover.services):
        return None
    coverage = handover.position.coverage
    result = result_of(end, handover.pod, coverage, handover.archive_key)
    return None if names_foreign(end, result) else result


async def has_warnings(cluster: Cluster, pod: str, shown: Collection[str]) -> bool:
    """Tell whether there is a warning of a pod that a worker has to show.

    Args:
        cluster: of the pod.
        pod: its name.
        shown: names of the events that a worker has shown.

    Raises:
        RefusedError: Kubernetes does not tell.
    """
    query = {"fieldSelector": f"involvedObject.name={pod},type=Warning"}
    listed: Any = msgspec.json.decode(await cluster.get("events", query))
    return any(
        event["metadata"]["name"] not in shown and not was_early(event.get("message") or "", pod)
        for event in listed.get("items") or ()
    )

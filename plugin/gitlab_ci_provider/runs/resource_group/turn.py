"""A job's turn in its resource group: waited for, held while its pod runs, returned."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import msgspec

from gitlab_ci_provider.airflow_internals.tasks import TaskDeferred, defer, task_states
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.hooks.kubernetes import UNREACHABLE, connect
from gitlab_ci_provider.hooks.outages import say
from gitlab_ci_provider.hooks.project_settings import project_settings
from gitlab_ci_provider.hooks.resource_groups import LABEL, ResourceGroup, group_name
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.rules import When
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.resource_group.trigger import ResourceGroupTrigger
from gitlab_ci_provider.schedule.resource_group import (
    Claim,
    ProcessMode,
    enter,
    is_ordered,
    take,
    without,
)

_log = logging.getLogger(__name__)


@contextmanager
def holding(run: JobRun, *, taken: bool = False) -> Iterator[None]:
    """Hold the job's resource group, if it has one, and give it back unless the job goes on.

    Args:
        run: of the job.
        taken: the job has it already.

    Raises:
        SystemFailure: Kubernetes or the settings do not allow it.
        TaskDeferred: it is not the job's turn; Airflow resumes with `retry_start` when it is.
    """
    if not taken:
        take_turn(run)
    try:
        yield
    except TaskDeferred:
        raise
    except BaseException:
        give_back(run)
        raise
    give_back(run)


def take_turn(run: JobRun) -> None:
    """Take the job's resource group, if it has one.

    Raises:
        SystemFailure: Kubernetes or the settings do not allow it.
        TaskDeferred: it is not the job's turn; Airflow resumes with `retry_start` when it is.
    """
    key = _group_of(run)
    if not key:
        return
    mode = project_settings(run.record.project.path).process_mode(key)
    claim = _claim_of(run)
    try:
        group = _open(run, run.record, key)
        group.prune(task_states)
        taken = group.update(lambda found: take(found, claim, mode))
    except UNREACHABLE as problem:
        raise SystemFailure(f"resource group '{key}': {say(problem)}") from problem
    if taken.holder is None or taken.holder.key != claim.key:
        _log.info("waiting for resource group '%s' (%s)", key, mode)
        defer(_trigger(run, key, claim, mode), "retry_start")


def give_back(run: JobRun) -> None:
    """Leave the group, unless the job's pod is still busy: then its end frees the group."""
    key = _group_of(run)
    if not key:
        return
    try:
        group = _open(run, run.record, key)
        if not group.has_pods():
            group.update(lambda found: without(found, {_claim_of(run).key}))
    except UNREACHABLE as problem:
        _log.warning("resource group '%s' is freed later: %s", key, say(problem))


def announce(task: TaskContext, run: PipelineRun) -> None:
    """Put the jobs of a new pipeline in line where the mode counts jobs before they are ready.

    Never fails the pipeline: an unreachable group fails the jobs that need it.
    """
    names = task_ids(run.decisions)
    coming = {
        job: key
        for job, key in run.resource_groups.items()
        if run.decisions[job].present and run.decisions[job].when != When.MANUAL
    }
    try:
        for job, key in coming.items():
            if is_ordered(project_settings(run.project.path).process_mode(key)):
                claim = _claim(run, names[job], ready=False)
                _open(task, run, key).update(partial(enter, claim=claim))
    except UNREACHABLE as problem:
        _log.warning("resource groups: %s", say(problem))


def group_label(run: JobRun) -> dict[str, str]:
    """Label the pod of a job that has a resource group."""
    key = _group_of(run)
    if not key:
        return {}
    return {LABEL: group_name(run.state.installation.name(), run.record.project.path, key)}


def _open(task: TaskContext | JobRun, run: PipelineRun, key: str) -> ResourceGroup:
    client, namespace = connect(task.settings)
    installation = task.state.installation.name()
    return ResourceGroup(client, namespace, installation, run.project.path, key)


def _trigger(run: JobRun, key: str, claim: Claim, mode: ProcessMode) -> ResourceGroupTrigger:
    return ResourceGroupTrigger(
        place=[run.settings.kubernetes_conn_id, run.settings.namespace],
        group=[run.state.installation.name(), run.record.project.path, key],
        claim=msgspec.to_builtins(claim),
        mode=str(mode),
        outage=run.settings.kubernetes_outage,
    )


def _claim_of(run: JobRun) -> Claim:
    return _claim(run.record, task_ids(run.pipeline.jobs)[run.job.name])


def _claim(run: PipelineRun, task_id: str, *, ready: bool = True) -> Claim:
    return Claim(
        pipeline=run.id,
        dag_id=run.dag_id,
        run_id=run.run_id,
        task_id=task_id,
        since=datetime.now(UTC).isoformat(),
        ready=ready,
    )


def _group_of(run: JobRun) -> str:
    return run.record.resource_groups.get(run.job.name, "")

"""Stops the environments whose time or branch is over, once an hour: which jobs are to be played.

Source: GitLab's `Environments::AutoStopCronWorker`, `Environments::StopService#execute_for_branch`
(the last deployment decides which branch an environment is of) and
`Environment#stop_with_actions!`. The `on_stop` job of the last deployment's pipeline is played if
it is manual and nobody has played it; its success is what stops the environment. One without such a
job is just marked as stopped.

Unlike GitLab, which also stops the environments of a merge request when it is closed or merged:
without its API, nobody tells of that.

GitLab knows neither `auto_stop_in` nor the job of a deployment that was reported to it, and stops
none of these environments itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gitlab_ci_provider.airflow_internals.tasks import dag_is_paused
from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.hooks.dag_runs import RunKey, pipeline_of, result_of
from gitlab_ci_provider.hooks.repositories import repository_of
from gitlab_ci_provider.model.dag_record import DagKind
from gitlab_ci_provider.model.environment import (
    EnvironmentRecord,
    EnvironmentState,
    JobEnvironment,
)
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.project import Project, RefKind, is_commit_id
from gitlab_ci_provider.model.report import ReportLevel
from gitlab_ci_provider.model.run import JobStatus, PipelineRun
from gitlab_ci_provider.planner.deployment import is_over
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.report.send import AT_WORK, clients, never_failing

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopJob:
    """The task of a job that stops an environment."""

    environment: str
    dag: str
    run: str
    task: str


def stop_due(task: TaskContext, now: datetime) -> list[StopJob]:
    """Mark what no job stops, and list the jobs that stop the rest."""
    jobs = (_stop(task, project, record) for project, record in _due(task, now))
    return [job for job in jobs if job]


def _due(task: TaskContext, now: datetime) -> Iterator[tuple[str, EnvironmentRecord]]:
    snapshots = task.state.snapshots
    found = (snapshots.find_dag(name) for name in snapshots.dags(DagKind.PROJECT))
    for project in (record.project for record in found if record):
        known = task.state.environments.of_project(project.path)
        lost = _lost(task, project, known)
        for record in known:
            if is_over(record, now) or record in lost:
                yield project.path, record


def _lost(
    task: TaskContext, project: Project, known: Sequence[EnvironmentRecord]
) -> list[EnvironmentRecord]:
    """List environments of branches that are gone; none if the repository does not say so."""
    of_branches = [record for record in known if _is_of_branch(task, project, record)]
    if not of_branches:
        return []
    try:
        names = repository_of(project.clone_url, task.settings, project).ref_names()
    except GitlabCiError as problem:
        _log.warning("environments of branches of %s stay: %s", project.path, problem)
        return []
    if project.default_branch not in names:  # which cannot be deleted: something else is wrong
        return []
    return [one for one in of_branches if one.deployment and one.deployment.ref not in names]


def _is_of_branch(task: TaskContext, project: Project, record: EnvironmentRecord) -> bool:
    """Return whether a branch other than the default one was deployed last."""
    last = record.deployment
    if last is None or record.state is not EnvironmentState.AVAILABLE:
        return False
    if last.ref == project.default_branch or is_commit_id(last.ref):
        return False
    entry = task.state.register.get(last.pipeline)
    return entry is not None and entry.ref.kind is RefKind.BRANCH and not entry.merge_request


def _stop(task: TaskContext, project: str, record: EnvironmentRecord) -> StopJob | None:
    wanted = record.deployment.on_stop if record.deployment else ""
    key, run = _pipeline(task, record)
    decision = run.decisions.get(wanted) if run else None
    if run and key and decision and decision.present:
        return _job(task, record, key, task_ids(run.decisions)[wanted])
    if run is None and wanted:
        _log.warning("%s of %s: its pipeline is gone, nothing stops it", record.name, project)
        return None
    _mark(task, project, record)
    if run:
        _tell(task, run, record)
    return None


def _pipeline(
    task: TaskContext, record: EnvironmentRecord
) -> tuple[RunKey | None, PipelineRun | None]:
    """Find the pipeline of the last deployment, and the run that it is in."""
    entry = task.state.register.get(record.deployment.pipeline) if record.deployment else None
    if entry is None:
        return None, None
    key = RunKey(dag=entry.dag_id, run=entry.run_id)
    return key, pipeline_of(task.context, key)


def _job(task: TaskContext, record: EnvironmentRecord, key: RunKey, name: str) -> StopJob | None:
    """Return the job if nobody has played it; one that has failed is left to people."""
    result = result_of(task.context, key, name)
    if result is None or result.status != JobStatus.MANUAL:
        said = result.status if result else "waiting, or running"
        _log.info("environment %s: %s of %s is %s", record.name, name, key.run, said)
        return None
    if dag_is_paused(key.dag):
        _log.warning("environment %s: %s is not played, %s is paused", record.name, name, key.dag)
        return None
    _log.info("environment %s: playing %s of %s", record.name, name, key.run)
    return StopJob(environment=record.name, dag=key.dag, run=key.run, task=name)


def _mark(task: TaskContext, project: str, record: EnvironmentRecord) -> None:
    """Mark an environment as stopped, unless somebody has just deployed to it."""

    def stopped(known: EnvironmentRecord | None) -> EnvironmentRecord:
        current = known or record
        if current != record:
            return current
        return replace(current, state=EnvironmentState.STOPPED, auto_stop_at="")

    task.state.environments.change(project, record.name, stopped)
    _log.info("environment %s of %s: stopped, no job does that", record.name, project)


def _tell(task: TaskContext, run: PipelineRun, record: EnvironmentRecord) -> None:
    """Have GitLab know, where it knows of the deployment."""
    if run.report is None or run.report.level is not ReportLevel.JOBS:
        return
    with never_failing(f"that {record.name} was stopped"):
        told = clients(task.settings, run.project, run.ref, run.report, AT_WORK)
        if told:
            told.outcomes.stopped(
                JobEnvironment(name=record.name, slug=record.slug, tier=record.tier)
            )

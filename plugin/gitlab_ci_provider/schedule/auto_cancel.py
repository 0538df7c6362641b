"""What a newer pipeline or a failed job cancels: `workflow:auto_cancel` and `interruptible`.

After GitLab's `Ci::PipelineCreation::CancelRedundantPipelinesService` and `CancelPipelineService`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from gitlab_ci_provider.model.airflow_states import (
    AWAITING_INPUT,
    ENDED,
    STARTED,
    UNDER_WAY,
    States,
)
from gitlab_ci_provider.model.context import PipelineSource
from gitlab_ci_provider.model.rules import AutoCancel
from gitlab_ci_provider.model.run import PipelineRun

_OLDEST = timedelta(days=7)

_SOURCES: frozenset[PipelineSource] = frozenset(
    {
        "push",
        "web",
        "trigger",
        "schedule",
        "api",
        "external",
        "pipeline",
        "chat",
        "merge_request_event",
        "external_pull_request_event",
        "parent_pipeline",
    }
)
"""Pipelines of other sources are never redundant: they do not stand for their ref."""


def settle(workflow: AutoCancel | None, rule: AutoCancel | None) -> AutoCancel:
    """Combine `workflow:auto_cancel` with that of the rule that matched, which wins by key."""
    usual, own = workflow or AutoCancel(), rule or AutoCancel()
    return AutoCancel(
        on_new_commit=own.on_new_commit or usual.on_new_commit or "conservative",
        on_job_failure=own.on_job_failure or usual.on_job_failure or "none",
    )


def is_redundant(older: PipelineRun, newer: PipelineRun) -> bool:
    """Return whether a newer pipeline of the same ref makes an older one redundant."""
    if newer.source == "parent_pipeline" or older.source not in _SOURCES:
        return False
    if older.ref.sha == newer.ref.sha:
        return False
    if older.id >= newer.id:
        return False
    age = datetime.fromisoformat(newer.created_at) - datetime.fromisoformat(older.created_at)
    return age <= _OLDEST


def canceled_by_commit(
    older: PipelineRun, states: States, bridges: Iterable[str] = ()
) -> tuple[str, ...]:
    """List the jobs of a redundant pipeline that end.

    `conservative` ends all, unless a job that is not `interruptible` has started; trigger jobs
    (`bridges`) never protect a pipeline. `interruptible` ends only the jobs that are.
    """
    mode = settle(older.auto_cancel, None).on_new_commit
    unfinished = cancelable(older, states)
    if mode == "interruptible":
        return tuple(job for job in unfinished if _interruptible(older, job))
    if mode == "conservative" and not _protected(older, states, frozenset(bridges)):
        return unfinished
    return ()


def cancelable(run: PipelineRun, states: States) -> tuple[str, ...]:
    """List the jobs of a pipeline that can be canceled.

    Neither a manual job that waits for a person nor a pipeline that waits for nothing else can be.
    Source: GitLab's `Ci::HasStatus::CANCELABLE_STATUSES`, for jobs and for the pipeline itself.
    """
    here = {job: states.get(job) for job, decision in run.decisions.items() if decision.present}
    if AWAITING_INPUT in here.values() and not UNDER_WAY & set(here.values()):
        return ()
    return tuple(job for job, state in here.items() if state not in {*ENDED, AWAITING_INPUT})


def _protected(run: PipelineRun, states: States, bridges: frozenset[str]) -> bool:
    return any(
        decision.present and states.get(job) in STARTED and not _interruptible(run, job)
        for job, decision in run.decisions.items()
        if job not in bridges
    )


def _interruptible(run: PipelineRun, job: str) -> bool:
    return bool(run.decisions[job].interruptible)

"""How the task of a job starts, whether the job has a pod or is a `trigger:` job.

The caller gets the run of a job that starts now. Otherwise an exception skips the task, defers it
until other jobs have ended or its time has come, or makes it wait for a person. Airflow resumes it
with the method that is named here; `operators/job_task.py` has them all.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from gitlab_ci_provider.airflow_internals.tasks import defer
from gitlab_ci_provider.exceptions import (
    ConfigError,
    FailureReason,
    GitlabCiError,
    NoPipelineError,
)
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.run import JobResult, JobStatus, Play
from gitlab_ci_provider.runs.cancel.jobs import obey
from gitlab_ci_provider.runs.context import TaskContext, open_task
from gitlab_ci_provider.runs.job_run import JobRun, load_job_run
from gitlab_ci_provider.runs.manual import offers, question
from gitlab_ci_provider.runs.record import push_result
from gitlab_ci_provider.runs.report import run as report
from gitlab_ci_provider.runs.task_errors import TaskFailed, said
from gitlab_ci_provider.schedule.verdict import Start, Verdict

_ENDS_WITHOUT_RUNNING = {Start.SKIP: JobStatus.SKIPPED, Start.ABSENT: JobStatus.ABSENT}
_WAITS = frozenset({Start.MANUAL, Start.BLOCK, Start.DELAY})
_SOON = timedelta(seconds=5)

_log = logging.getLogger(__name__)


def open_job(context: Context, job: str, *, has_pod: bool = False) -> JobRun:
    """Read what is known of a job and its run.

    Args:
        context: Airflow's.
        job: its name.
        has_pod: it has been started; an order to cancel it is obeyed when its pod is looked at.

    Raises:
        AirflowSkipException: the run has no pipeline, or the job was canceled.
        TaskFailed: it cannot be read; the job says so: a failed task that has not said why would
            count as canceled by hand.
    """
    task = open_task(context)
    try:
        run = load_job_run(task, job)
        if run.again:
            task.state.register.reopen(run.record.id)
            report.begin_again(run)
    except NoPipelineError as problem:
        push_result(task, JobResult(status=JobStatus.SKIPPED, reason=str(problem)))
        raise AirflowSkipException(str(problem)) from problem
    except GitlabCiError as problem:
        _push_error(task, problem)
        raise TaskFailed(str(problem)) from problem
    except Exception as problem:
        _push_error(task, problem)
        raise
    if not has_pod and (reason := obey(run)):
        raise AirflowSkipException(f"canceled {reason}")
    return run


def begin(run: JobRun) -> JobRun:
    """Return the run of a job whose turn has come and that starts.

    Raises:
        AirflowSkipException: GitLab would not start it.
        TaskDeferred: it waits for jobs, or for its time; resumed with `begin` or `resume_delayed`.
        TaskAwaitingInput: a person is asked; resumed with `play`.
    """
    _wait_for_jobs(run)
    verdict = run.verdict()
    _log.info("%s: %s (%s)", run.job.name, verdict.start, verdict.reason)
    if verdict.start in _ENDS_WITHOUT_RUNNING:
        _end(run, _ENDS_WITHOUT_RUNNING[verdict.start], verdict)
    if verdict.start in _WAITS:
        return _wait(run, verdict)
    return run


def answered(run: JobRun, event: Mapping[str, Any]) -> JobRun:
    """Return the run as the person who played the job wants it.

    Raises:
        AirflowSkipException: the person does not play it.
        TaskAwaitingInput: GitLab would refuse the answer, so the person is asked again.
    """
    verdict = run.verdict()
    blocking = verdict.start == Start.BLOCK
    try:
        play = question.read_answer(run.job, event)
    except ConfigError as problem:
        _log.warning("asking again, because the answer was refused: %s", problem)
        question.ask(run.context, run.job, blocking=blocking, method_name="play")
    if play is None:
        _end(run, JobStatus.MANUAL, verdict)
    _log.info("played by %s", play.user_name or "somebody")
    return played(run, play)


def played(run: JobRun, play: Play = Play()) -> JobRun:
    """Remember what the job starts with, so that a retry neither waits nor asks again."""
    offers.keep_play(run, play)
    return replace(run, play=play)


def started(run: JobRun) -> JobRun:
    """Return the run with what the job was started with."""
    return replace(run, play=offers.played(run) or Play())


def _push_error(task: TaskContext, problem: Exception) -> None:
    why = FailureReason.UNKNOWN_FAILURE
    push_result(task, JobResult(status=JobStatus.FAILED, failure_reason=why, reason=said(problem)))


def _end(run: JobRun, status: JobStatus, verdict: Verdict) -> NoReturn:
    push_result(run, JobResult(status=status, reason=verdict.reason))
    raise AirflowSkipException(verdict.reason)


def _wait_for_jobs(run: JobRun) -> None:
    """Wait for jobs that decide about this one and have not ended.

    The DAG does that, except where the needs of several rules would close a cycle in it.
    """
    names = task_ids(run.pipeline.jobs)
    waiting = [job for job in run.unfinished() if names[job] in run.tasks]
    if waiting:
        _log.info("waiting for %s (deferred: no worker slot is used)", ", ".join(waiting))
        defer(TimeDeltaTrigger(_SOON), "begin")


def _wait(run: JobRun, verdict: Verdict) -> JobRun:
    """Return the run with what the job was played with; wait if nobody has played it."""
    known = offers.played(run)
    if known is not None:
        return replace(run, play=known)
    if run.job.name in run.record.played:
        _log.info("played, because the run's form asks for it")
        return played(run)
    blocking = verdict.start == Start.BLOCK
    if not blocking and not offers.was_cleared(run):
        _offer(run, verdict)
    if blocking or run.settings.always_ask or question.has_questions(run.job):
        question.ask(run.context, run.job, blocking=blocking, method_name="play")
    _log.info("played: somebody has cleared this task")
    return played(run)


def _offer(run: JobRun, verdict: Verdict) -> NoReturn:
    """End an optional manual job until somebody plays it; wait until a delayed one is due."""
    offers.offer(run)
    if verdict.start == Start.MANUAL:
        _log.info("to play the job, clear this task")
        _end(run, JobStatus.MANUAL, verdict)
    _log.info("to play the job before its time, clear this task")
    delay = timedelta(seconds=run.decision.start_in or 0)
    defer(TimeDeltaTrigger(delay), "resume_delayed")

"""Ending a run: its last task alone gives the run its state, by GitLab's rules."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace

from airflow.sdk.exceptions import AirflowSkipException

from gitlab_ci_provider.exceptions import GitlabCiError, StateError
from gitlab_ci_provider.runs.cancel.jobs import sweep
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.record import (
    exposed_artifacts,
    load_run,
    own_states,
    pull_run,
    push_end,
    push_untold,
    with_coverage,
)
from gitlab_ci_provider.runs.registration import close_unpinned
from gitlab_ci_provider.runs.report import run as report
from gitlab_ci_provider.runs.task_errors import TaskFailed
from gitlab_ci_provider.schedule.pipeline_result import PipelineResult, PipelineStatus, finish
from gitlab_ci_provider.schedule.results import complete

_log = logging.getLogger(__name__)


def finish_pipeline(task: TaskContext) -> None:
    """End the run as its pipeline has ended.

    Raises:
        TaskFailed: it has failed, or was canceled; the message names the jobs.
        AirflowSkipException: there was no pipeline.
    """
    try:
        result = _finish(task)
    except GitlabCiError as problem:
        reason = str(problem)
        push_end(task, PipelineResult(status=PipelineStatus.FAILED, reason=reason))
        with suppress(StateError):  # it is what has failed
            close_unpinned(task)
        raise TaskFailed(reason) from problem
    if result.status in {PipelineStatus.FAILED, PipelineStatus.CANCELED}:
        raise TaskFailed(result.text)


def _finish(task: TaskContext) -> PipelineResult:
    states = own_states(task)
    record = pull_run(task, states)
    if not record.created:
        push_end(task, PipelineResult(status=PipelineStatus.SKIPPED, reason=record.reason), record)
        raise AirflowSkipException(f"no pipeline: {record.reason}")
    run = load_run(task, record, states)
    ended = complete(record.decisions, run.ended)
    result = replace(finish(with_coverage(run, ended)), exposed=exposed_artifacts(run, ended))
    push_end(task, result, record)
    told = report.note_end(run, ended, result)
    _log.info("pipeline %s: %s", record.id, result.text)
    task.state.register.finish(record.id, result.status.in_api)
    sweep(run, ended)
    if told is not None:
        push_untold(task, report.tell_rest(run, told))
    return result

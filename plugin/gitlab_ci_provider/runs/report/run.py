"""What the tasks of a run tell GitLab, and when."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from gitlab_ci_provider.gitlab_api.statuses import shortened
from gitlab_ci_provider.hooks.dag_runs import RunKey
from gitlab_ci_provider.hooks.gitlab_project import GitLabProject, gitlab_project
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.report import (
    CommitState,
    CommitStatus,
    JobOutcome,
    Report,
    Reported,
    ReportLevel,
)
from gitlab_ci_provider.model.run import JobResult, PipelineRun
from gitlab_ci_provider.runs.context import RunContext, TaskContext
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.record import pull_result
from gitlab_ci_provider.runs.report.outcome import deliver, job_outcome
from gitlab_ci_provider.runs.report.send import (
    AT_WORK,
    clients,
    never_failing,
    send_all,
    send_left,
)
from gitlab_ci_provider.runs.report.wanted import PIPELINE, job_status, pipeline_status
from gitlab_ci_provider.schedule.pipeline_result import PipelineResult

_GRACE = 5.0

_log = logging.getLogger(__name__)


def begin(task: TaskContext, record: PipelineRun) -> PipelineRun:
    """Tell GitLab that a pipeline runs, before its jobs do: until its end, GitLab must not pass."""
    with never_failing("of the pipeline's start"):
        found = gitlab_project(record.project, task.settings.git_conn_ids)
        if found is not None and found.report is not ReportLevel.NONE:
            return _begun(task, record, found)
    return record


def begin_again(run: JobRun) -> None:
    """Keep for the end what the pipeline tells again, also if its last task never runs."""
    if run.record.report is not None:
        run.state.reports.keep(_report(run.record, run.record.report))


@contextmanager
def told_start(run: JobRun, *, first: bool) -> Iterator[None]:
    """Tell GitLab that a job runs, while its pod is made.

    Args:
        run: of the job.
        first: no other worker has told it.
    """
    reported = run.record.report
    if reported is None or reported.level is not ReportLevel.JOBS or not first:
        yield
        return
    status = CommitStatus(
        name=_job_name(reported, run.job.name), state=CommitState.RUNNING, url=_job_url(run)
    )
    sending = threading.Thread(target=_Sender(run, reported, status, "that the job runs"))
    sending.daemon = True
    sending.start()
    try:
        yield
    finally:
        sending.join(AT_WORK + _GRACE)  # the end must not overtake the start


def tell_end(run: JobRun, result: JobResult) -> None:
    """Tell GitLab how a job has ended."""
    reported = run.record.report
    if reported is None or reported.level is not ReportLevel.JOBS:
        return
    status = job_status(_job_name(reported, run.job.name), result, _job_url(run))
    if status is not None:
        _Sender(run, reported, status, "how the job has ended")()
    outcome = job_outcome(run.job.name, result)
    if outcome is not None:
        _tell_outcome(run, reported, outcome)


def note_end(
    run: RunContext, ended: Mapping[str, JobResult], result: PipelineResult
) -> Report | None:
    """Keep what GitLab has to know of the end, before others may take the pipeline for broken off.

    Returns:
        the report; None when GitLab is told nothing.
    """
    reported = run.record.report
    if reported is None:
        return None
    report = replace(
        _report(run.record, reported),
        statuses=_statuses(run, reported, ended, result),
        outcomes=_outcomes(run, reported, ended),
    )
    run.state.reports.keep(report)
    return report


def tell_rest(run: RunContext, report: Report) -> tuple[str, ...]:
    """Tell GitLab how the pipeline has ended, and what it does not know of jobs and of others.

    Returns:
        what it was not told of this pipeline, in words.
    """
    untold: tuple[str, ...] = ("how the pipeline has ended",)
    with never_failing("how the pipeline has ended; a later pipeline will tell it"):
        untold = send_all(run.settings, run.state, report)
    with never_failing("of earlier pipelines"):
        send_left(run.settings, run.state, _now())
    return untold


def _begun(task: TaskContext, record: PipelineRun, found: GitLabProject) -> PipelineRun:
    upstream, request = record.upstream, record.merge_request
    child = upstream is not None and upstream.child
    reported = Reported(
        level=found.report,
        prefix=f"{upstream.job} / " if upstream and child else "",
        merge_request=request.iid if request and found.comments and not child else 0,
    )
    report = _report(record, reported)
    task.state.reports.keep(report)
    begun = replace(record, report=reported)
    with never_failing("that the pipeline runs"):
        told = clients(task.settings, record.project, record.ref, reported, AT_WORK)
        if told is not None:
            client = told.statuses
            name, url = report.names[0], _url(task)
            number = client.post(CommitStatus(name=name, state=CommitState.RUNNING, url=url))
            if number is None:  # told by a worker that has died since
                there = client.known().get(shortened(name))
                number = there.pipeline if there else 0
            reported = replace(reported, pipeline=number)
            task.state.reports.keep(replace(report, reported=reported))
            begun = replace(record, report=reported)
    return begun


class _Sender:
    """Sends one status; the connection is read when it is made, not in another thread."""

    def __init__(self, run: JobRun, reported: Reported, status: CommitStatus, doing: str):
        self._status, self._doing = status, doing
        self._client = None
        with never_failing(doing):
            record = run.record
            told = clients(run.settings, record.project, record.ref, reported, AT_WORK)
            self._client = told.statuses if told else None

    def __call__(self) -> None:
        if self._client is not None:
            with never_failing(self._doing):
                self._client.post(self._status)


def _report(record: PipelineRun, reported: Reported) -> Report:
    jobs = [job.job for job in record.decisions.values() if job.present]
    names = (
        [_job_name(reported, name) for name in jobs] if reported.level is ReportLevel.JOBS else []
    )
    return Report(
        project=record.project,
        ref=record.ref,
        pipeline=record.id,
        reported=reported,
        written_at=_now(),
        created_at=record.created_at,
        names=(_name(reported, PIPELINE), *names),
    )


def _statuses(
    run: RunContext, reported: Reported, ended: Mapping[str, JobResult], result: PipelineResult
) -> tuple[CommitStatus, ...]:
    jobs: list[CommitStatus] = []
    if reported.level is ReportLevel.JOBS:
        tasks = task_ids(run.pipeline.jobs)
        found = (
            job_status(_job_name(reported, name), known, _url(run, tasks[name]))
            for name, known in ended.items()
        )
        jobs = [status for status in found if status is not None]
    # That of the pipeline comes last: GitLab may merge as soon as all have passed.
    return (*jobs, pipeline_status(_name(reported, PIPELINE), result, _url(run)))


def _tell_outcome(run: JobRun, reported: Reported, outcome: JobOutcome) -> None:
    with never_failing("of its deployment or release"):
        record = run.record
        told = clients(run.settings, record.project, record.ref, reported, AT_WORK)
        if told is not None:
            for done in deliver(told.outcomes, outcome, record.ref, record.created_at):
                _log.info("GitLab: %s", done)


def _outcomes(
    run: RunContext, reported: Reported, ended: Mapping[str, JobResult]
) -> tuple[JobOutcome, ...]:
    """List what jobs have done apart from their status: their worker may not have told it."""
    if reported.level is not ReportLevel.JOBS:
        return ()
    tasks, jobs = task_ids(run.pipeline.jobs), run.pipeline.jobs
    acting = (
        name for name in ended if jobs[name].environment or "release" in jobs[name].as_written
    )
    told = ((name, pull_result(run, tasks[name])) for name in acting)
    found = (job_outcome(name, result) for name, result in told if result is not None)
    return tuple(outcome for outcome in found if outcome is not None)


def _name(reported: Reported, name: str) -> str:
    return f"{reported.prefix}{name}"


def _job_name(reported: Reported, name: str) -> str:
    """Name the status of a job; none is called as that of the pipeline."""
    return _name(reported, f"{name} (job)" if name == PIPELINE else name)


def _url(task: TaskContext, job: str = "") -> str:
    return RunKey(dag=task.dag_id, run=task.run_id).url(task.context, job)


def _job_url(run: JobRun) -> str:
    return _url(run, str(run.context["ti"].task_id))


def _now() -> float:
    return datetime.now(UTC).timestamp()

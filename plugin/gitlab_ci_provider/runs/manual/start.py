"""Jobs when their turn comes: wait for others, ask a person, or start as they were played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, Context

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.run import Play
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.manual import offers, question
from gitlab_ci_provider.schedule.decide import Start, Verdict

WAITS = frozenset({Start.MANUAL, Start.BLOCK, Start.DELAY})
_SOON = timedelta(seconds=5)


def wait_for_jobs(operator: BaseOperator, run: JobRun) -> None:
    """Wait for jobs that decide about this one and have not ended.

    The DAG does that, except where the needs of several rules would close a circle in it. The
    operator is resumed with `begin(context)`.

    Raises:
        TaskDeferred: there are such jobs.
    """
    names = task_ids(run.pipeline.jobs)
    tasks = operator.dag.task_dict
    waiting = [job for job in run.unfinished() if names[job] in tasks]
    if waiting:
        operator.log.info("waiting for %s, which takes no worker", ", ".join(waiting))
        operator.defer(trigger=TimeDeltaTrigger(_SOON), method_name="begin")


def wait(operator: BaseOperator, context: Context, run: JobRun, verdict: Verdict) -> JobRun | None:
    """Give the run as the job was played; None when an optional manual job is passed over.

    The operator is resumed with `play(context, event)` or `go_off(context)`.

    Raises:
        TaskAwaitingInput: a person is asked.
        TaskDeferred: the time of a delayed job has not come.
    """
    known = offers.played(context, run)
    if known is not None:
        return replace(run, play=known)
    if run.job.name in run.record.played:
        operator.log.info("played: whoever started the pipeline asked for it")
        return start(context, run)
    blocking = verdict.start == Start.BLOCK
    if not blocking and not offers.was_cleared(context, run):
        offers.offer(context, run)
        if verdict.start == Start.MANUAL:
            operator.log.info("to play the job, clear this task")
            return None
        delay = timedelta(seconds=run.decision.start_in or 0)
        operator.log.info("to play the job before its time, clear this task")
        operator.defer(trigger=TimeDeltaTrigger(delay), method_name="go_off")
    if blocking or run.settings.always_ask or question.has_questions(run.job):
        question.ask(context, run.job, blocking=blocking, method_name="play")
    operator.log.info("played: somebody has cleared this task")
    return start(context, run)


def answered(
    operator: BaseOperator, context: Context, run: JobRun, event: Mapping[str, Any]
) -> JobRun | None:
    """Give the run as a person has played the job; None when they leave it.

    Raises:
        TaskAwaitingInput: GitLab would refuse the answer, so it is asked again.
    """
    blocking = run.verdict().start == Start.BLOCK
    try:
        play = question.read_answer(run.job, event)
    except ConfigError as problem:
        operator.log.warning("asking again, this was refused: %s", problem)
        question.ask(context, run.job, blocking=blocking, method_name="play")
    if play is None:
        return None
    operator.log.info("played by %s", play.user_name or "somebody")
    return start(context, run, play)


def start(context: Context, run: JobRun, play: Play = Play()) -> JobRun:
    """Remember what the job starts with: another try of it neither waits nor asks again."""
    offers.keep_play(context, run, play)
    return replace(run, play=play)


def started(context: Context, run: JobRun) -> JobRun:
    """Give the run with what the job has started with."""
    return replace(run, play=offers.played(context, run) or Play())

"""Jobs that wait to be played, and how Airflow's users press Play: they clear the task.

A task is cleared alone to play its job, or together with the tasks before it to run them again;
then GitLab's rules decide about it anew. Told apart by the jobs before: when one of them has ended
anew since the job was offered, nobody meant to play it. And a worker that was lost is no clear:
only a clear moves `max_tries`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
from airflow.sdk import Context

from gitlab_ci_provider.airflow_internals.tasks import task_durations
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.run import Play
from gitlab_ci_provider.model.serialization import convert, encode
from gitlab_ci_provider.runs.job_run import JobRun

_OFFERED = "gitlab_ci_offered"
_PLAYED = "gitlab_ci_played"


def offer(context: Context, run: JobRun) -> None:
    """Remember that the job has come up and waits to be played."""
    _remember(context, _OFFERED, run, {"before": _endings(context, run)})


def was_cleared(context: Context, run: JobRun) -> bool:
    """Tell whether somebody has cleared the job, and it alone, since it was offered."""
    offered = _recall(context, _OFFERED, run)
    return (
        offered is not None
        and offered["turn"] != _turn(context)
        and offered["before"] == _endings(context, run)
    )


def keep_play(context: Context, run: JobRun, play: Play) -> None:
    """Remember that the job was played: another try of it must not ask again."""
    _remember(context, _PLAYED, run, {"play": msgspec.json.decode(encode(play))})


def played(context: Context, run: JobRun) -> Play | None:
    """Tell what the job was played with, when this is another try of it."""
    found = _recall(context, _PLAYED, run)
    if found is None or found["turn"] != _turn(context):
        return None
    return convert(found["play"], Play)


def _turn(context: Context) -> int:
    """Number the clears of the task; the tries between two of them have the same."""
    return int(context["ti"].max_tries)


def _remember(context: Context, key: str, run: JobRun, value: dict[str, Any]) -> None:
    stamped = {**value, "pipeline": run.record.created_at, "turn": _turn(context)}
    context["task_state_store"].set(key, stamped)


def _recall(context: Context, key: str, run: JobRun) -> dict[str, Any] | None:
    """Read what was remembered since this pipeline was created."""
    value = context["task_state_store"].get(key)
    if not isinstance(value, dict) or value.get("pipeline") != run.record.created_at:
        return None
    return value


def _endings(context: Context, run: JobRun) -> str:
    """Fingerprint how and when the jobs before have ended; any new try of one changes it."""
    names = task_ids(run.pipeline.jobs)
    before = {names[job] for job in run.before()}
    ended = sorted(
        (task, state, seconds) for task, state, seconds in task_durations(context) if task in before
    )
    return hashlib.sha256(json.dumps(ended).encode()).hexdigest()

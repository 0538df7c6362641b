"""Jobs that wait to be played, and how people play them in Airflow: they clear the task.

A person who clears the task alone wants to play its job. One who clears it together with the tasks
before it wants to run those again, and GitLab's rules decide about the job again. The earlier
jobs distinguish the two: if one of them has ended again since the job was offered, the clear was
not meant to play it. A lost worker is not a clear: only a clear moves `max_tries`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from gitlab_ci_provider.airflow_internals.tasks import task_durations
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.run import Play
from gitlab_ci_provider.model.serialization import convert, encode
from gitlab_ci_provider.runs.job_run import JobRun

_OFFERED = "gitlab_ci_offered"
_PLAYED = "gitlab_ci_played"


def offer(run: JobRun) -> None:
    """Remember that the job waits to be played."""
    _remember(run, _OFFERED, {"before": _endings(run)})


def was_cleared(run: JobRun) -> bool:
    """Return whether somebody has cleared only this job since it was offered."""
    offered = _recall(run, _OFFERED)
    return (
        offered is not None and offered["turn"] != _turn(run) and offered["before"] == _endings(run)
    )


def keep_play(run: JobRun, play: Play) -> None:
    """Remember that the job was played: another try must not ask again."""
    _remember(run, _PLAYED, {"play": msgspec.json.decode(encode(play))})


def played(run: JobRun) -> Play | None:
    """Return what the job was played with, when this is another try of it."""
    found = _recall(run, _PLAYED)
    if found is None or found["turn"] != _turn(run):
        return None
    return convert(found["play"], Play)


def _turn(run: JobRun) -> int:
    """Number the clears of the task; the tries between two of them have the same."""
    return int(run.context["ti"].max_tries)


def _remember(run: JobRun, key: str, value: dict[str, Any]) -> None:
    stamped = {**value, "pipeline": run.record.created_at, "turn": _turn(run)}
    run.context["task_state_store"].set(key, stamped)


def _recall(run: JobRun, key: str) -> dict[str, Any] | None:
    """Read what was remembered since this pipeline was created."""
    value = run.context["task_state_store"].get(key)
    if not isinstance(value, dict) or value.get("pipeline") != run.record.created_at:
        return None
    return value


def _endings(run: JobRun) -> str:
    """Fingerprint how and when the earlier jobs have ended; any new try of one changes it."""
    names = task_ids(run.pipeline.jobs)
    before = {names[job] for job in run.before()}
    ended = sorted(end for end in task_durations(run.context) if end[0] in before)
    return hashlib.sha256(json.dumps(ended).encode()).hexdigest()

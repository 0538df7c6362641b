"""Airflow's states of tasks and runs, and what each means for a job of GitLab.

How a job ended is more than the state of its task: `results.py` decides that. Here is what can be
told from a state alone, for everything that looks at a run: tasks, triggers, listeners and the
command line.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.model.run import JobStatus

States = Mapping[str, str | None]
"""Airflow's states of the tasks of a run, by task or by job; None is a task without a state."""

AWAITING_INPUT = "awaiting_input"
"""A manual job that waits for a person."""

FAILED = frozenset({"failed", "upstream_failed", "removed"})
"""The task has ended and has not done its work."""

ENDED = FAILED | {"success", "skipped"}

UNDER_WAY = frozenset({"scheduled", "queued", "running", "deferred", "up_for_retry", "restarting"})
"""The task goes on without a person."""

STARTED = frozenset({"running", "success", "failed", "up_for_retry", "restarting"})
"""The task's work has begun, as far as a state can tell: a deferred task may not have."""

RUN_ENDED = frozenset({"success", "failed"})
"""Of a DAG run, not of a task."""

_UNFINISHED = {
    "scheduled": JobStatus.PENDING,
    "queued": JobStatus.PENDING,
    "up_for_retry": JobStatus.PENDING,
    "up_for_reschedule": JobStatus.PENDING,
    "restarting": JobStatus.PENDING,
    "running": JobStatus.RUNNING,
    "deferred": JobStatus.SCHEDULED,
    AWAITING_INPUT: JobStatus.MANUAL,
}


def unfinished_status(state: str | None) -> JobStatus:
    """Name the status of a job whose task has not ended.

    A deferred task is `scheduled`, GitLab's word for a delayed job; a `trigger:` job that waits for
    its pipeline is deferred, too, and `running` for GitLab: the caller knows which it is.
    """
    return _UNFINISHED.get(state or "", JobStatus.CREATED)

"""Why Airflow's triggerer cancels a trigger."""

from __future__ import annotations

from asyncio import CancelledError


def task_has_moved(problem: CancelledError) -> bool:
    """Tell whether a trigger is canceled because its task is not deferred by it anymore.

    A person has ended or cleared the task, or another triggerer has taken the trigger over.
    Otherwise the triggerer shuts down. The triggerer cancels once a second until the trigger has
    ended, also while its `on_kill` is at work.
    """
    from airflow.jobs.triggerer_job_runner import _USER_ACTION_CANCEL_MSG

    return problem.args[:1] == (_USER_ACTION_CANCEL_MSG,)

"""Clears of tasks that run, which Airflow does not count.

Airflow raises the `max_tries` of a task that is cleared, but not of one that runs: its process is
ended, and then it is tried again. If the process is lost before it hears of that, the next try
looks like any after a lost worker, and a job would follow the pod that was to be given up.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

_CLEARED = "restarting"
"""The state of a task that was cleared while it ran."""


def count_clears(operators: Collection[str]) -> None:
    """Have `max_tries` rise whenever this process clears a running task.

    Args:
        operators: names of the classes of its operator.
    """
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import event

    def count(task: Any, state: Any, earlier: Any, *_: Any) -> None:
        if state == _CLEARED and earlier != _CLEARED and task.operator in operators:
            task.max_tries += 1

    event.listen(TaskInstance.state, "set", count)

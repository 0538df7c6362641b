"""How a task fails: with one line in its log instead of a traceback.

Airflow logs what a task raises with its traceback. A script that ends with exit code 2 is not an
error of this package, and twenty lines of traceback would hide the script's output. So these
exceptions have no traceback in the log; all others keep theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from gitlab_ci_provider.airflow_internals.tasks import add_log_processor


class TaskFailed(AirflowFailException):
    """Fails the task without another try."""

    def __init__(self, message: str):
        super().__init__(message)
        _leave_out_tracebacks()


class TaskFailedForNow(AirflowException):
    """Fails this try of the task."""

    def __init__(self, message: str):
        super().__init__(message)
        _leave_out_tracebacks()


def said(problem: Exception) -> str:
    """Name an unexpected error, without its message, which may quote anything."""
    return f"{type(problem).__name__}, see the log of the task"


def _leave_out_tracebacks() -> None:
    """Make Airflow's log of this process use `words_only` first."""
    add_log_processor(words_only)


def words_only(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Log the message of one of our failures in place of its traceback."""
    problem = sys.exc_info()[1]
    if event.get("exc_info") and isinstance(problem, TaskFailed | TaskFailedForNow):
        del event["exc_info"]
        event["event"] = str(problem)
    return event

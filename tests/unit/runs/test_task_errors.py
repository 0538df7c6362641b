"""What Airflow's log says of a task that fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from gitlab_ci_provider.runs.task_errors import TaskFailed, TaskFailedForNow


@pytest.fixture
def log() -> Iterator[LogCapture]:
    """Log into a list, from a logger that has been used before, as that of Airflow's runner is."""
    capture = LogCapture()
    structlog.configure(processors=[capture], cache_logger_on_first_use=True)
    yield capture
    structlog.reset_defaults()


def entry(log: LogCapture, problem: Exception) -> dict[str, Any]:
    logger = structlog.get_logger()
    logger.info("before")
    try:
        raise problem
    except Exception:
        logger.exception("Task failed with exception")
    return dict(log.entries[-1])


@pytest.mark.parametrize("kind", [TaskFailed, TaskFailedForNow])
def test_a_failure_of_the_job_is_one_line(log: LogCapture, kind: type[Exception]):
    """The words of the failure, as an error, without a traceback."""
    assert entry(log, kind("unit: exit code 2")) == {
        "event": "unit: exit code 2",
        "log_level": "error",
    }


def test_a_fault_of_ours_keeps_its_traceback(log: LogCapture):
    """Developers need it, also when a job has failed before."""
    TaskFailed("unit: exit code 2")

    said = entry(log, KeyError("odd"))

    assert said["event"] == "Task failed with exception"
    assert said["exc_info"]

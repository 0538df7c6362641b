"""Manual jobs: optional ones are offered and passed over, blocking ones wait for a person.

An optional job is played by clearing its task: the second time it comes up, it runs. A blocking one
is a required action in the Airflow UI, and waiting for it holds no worker, triggerer or pool slot.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.execution_time.hitl import upsert_hitl_detail

from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.run import PipelineRun

_KEY = "gitlab_ci_offered"
PLAY = "Play"


def was_offered(context: Context, run: PipelineRun) -> bool:
    """Tell whether this pipeline has passed over the job before: it was cleared since."""
    return bool(context["task_state_store"].get(_KEY) == run.created_at)


def offer(context: Context, run: PipelineRun) -> None:
    """Remember that this pipeline passes over the job."""
    context["task_state_store"].set(_KEY, run.created_at)


def wait_for_play(context: Context, job: Job, *, method_name: str) -> None:
    """Ask a person to play the job and give the worker back.

    Raises:
        TaskAwaitingInput: always; Airflow resumes with `method_name` when somebody has answered.
    """
    upsert_hitl_detail(
        ti_id=context["ti"].id,
        options=[PLAY],
        subject=f"Play the manual job '{job.name}' of stage '{job.stage}'",
        body="The pipeline waits for this job.",
        params={},
    )
    raise TaskAwaitingInput(method_name=method_name)


def log_player(log: logging.Logger, event: Any) -> None:
    """Say who played the job."""
    user = event.get("responded_by_user") if isinstance(event, dict) else None
    if user:
        name = user.get("name") if isinstance(user, dict) else getattr(user, "name", user)
        log.info("played by %s", name)

"""The result of a run as data: what `gitlab-dags run --json` prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitlab_ci_provider.airflow_api.task_log import TaskLog
from gitlab_ci_provider.local.follow.downstream import described
from gitlab_ci_provider.local.follow.progress import BLOCKED, Follower, JobProgress, RunProgress
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.airflow_states import ENDED
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE, task_ids
from gitlab_ci_provider.model.run import JobStatus

_WAITING = {BLOCKED: "manual", "created": "created", "pending": "pending"}
"""Statuses of jobs that have not ended, in a pipeline that waits for a person."""

_ERRORS = frozenset({"error", "critical"})
_FINAL = frozenset({"success", "failed", "skipped", "manual", "canceled", "absent"})


def run_result(
    follower: Follower, end: RunProgress, home: Home, *, status: str = ""
) -> dict[str, Any]:
    """Gather how every job ended.

    Args:
        follower: of the run.
        end: its last known progress.
        home: of the stack.
        status: of the pipeline, when the caller knows it better than the last task.
    """
    result = _result(follower)
    own = [run for run in follower.downstream() if run.above == follower.run]
    below = {run.task: described(follower.api, run) for run in own}
    jobs = {job.name: _job(follower, job, home, below) for job in end.jobs}
    if status == "manual":
        for job in end.jobs:
            jobs[job.name]["status"] = _WAITING.get(job.status, jobs[job.name]["status"])
    return {
        "status": status or _status(end, result),
        "warnings": any(job["allowed_failure"] for job in jobs.values()),
        "coverage": result.get("coverage"),
        "failed": [name for name, job in jobs.items() if _has_failed(job)],
        "waits_for": list(end.blocked) if status == "manual" else [],
        "jobs": jobs,
        "dag_id": follower.dag,
        "run_id": follower.run,
        "url": follower.api.run_url(follower.dag, follower.run),
    }


def error_result(message: str) -> dict[str, Any]:
    """Return, in the same form, that there was no run."""
    return {
        "status": "error",
        "error": message,
        "warnings": False,
        "coverage": None,
        "failed": [],
        "waits_for": [],
        "jobs": {},
        "dag_id": None,
        "run_id": None,
        "url": None,
    }


def raw_log(follower: Follower, home: Home, job: str, try_number: int) -> Path:
    """Find the file that holds a job's log as the job wrote it."""
    task = task_ids(follower.pipeline.jobs)[job]
    return home.job_logs / follower.dag / follower.run / task / f"{try_number}.log"


def failed_task_log(follower: Follower, end: RunProgress) -> list[str]:
    """Read why `create_pipeline` failed: the errors in its log, or all of it if there are none."""
    created = end.tasks.get(CREATE_PIPELINE)
    if created is None or created.state != "failed":
        return []
    log = TaskLog(follower.api, follower.dag, follower.run, CREATE_PIPELINE, created.try_number)
    lines = list(log.read())
    errors = [line.text for line in lines if line.level in _ERRORS and line.text]
    return errors or [line.text for line in lines]


def _result(follower: Follower) -> dict[str, Any]:
    """Read how the pipeline ended, as `finish_pipeline` left it; empty when it left nothing."""
    result = follower.api.xcom(
        follower.dag, follower.run, FINISH_PIPELINE, xcom_keys.PIPELINE_RESULT
    )
    return result or {}


def _status(end: RunProgress, result: Mapping[str, Any]) -> str:
    """Take the status from `finish_pipeline`, unless the run has been marked as failed since.

    When a run is stopped, that task is skipped and leaves nothing.
    """
    finish = end.tasks.get(FINISH_PIPELINE)
    unsaid = "canceled" if finish is not None and finish.state == "skipped" else "failed"
    said = str(result.get("status") or unsaid)
    return "canceled" if end.state == "failed" and said in {"passed", "skipped"} else said


def _job(
    follower: Follower, job: JobProgress, home: Home, downstream: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    has_ended = job.task is not None and job.task.state in ENDED
    result = follower.result(job.task) if job.task and has_ended and job.status != "absent" else {}
    log = raw_log(follower, home, job.name, job.task.try_number) if job.task else None
    ran = job.status in {"success", "failed"}
    return {
        "stage": job.stage,
        "status": _final(job.status),
        "allowed_failure": bool(result.get("allowed_failure")),
        "exit_code": result.get("exit_code"),
        "reason": result.get("reason") or _absence(follower, job.name),
        "started": job.started if ran else None,
        "duration": job.duration if ran else None,
        "log": str(log) if log is not None and log.exists() else None,
        "artifacts": result.get("artifacts") or [],
        "reports": result.get("reports") or [],
        "coverage": result.get("coverage"),
        "environment": result.get("environment"),
        "release": result.get("release"),
        "downstream": downstream.get(task_ids(follower.pipeline.jobs)[job.name]),
    }


def _has_failed(job: Mapping[str, Any]) -> bool:
    return job["status"] == "failed" and not job["allowed_failure"]


def _final(status: str) -> str:
    """Return the status of a job after the run: a job that had not ended was canceled."""
    return status if status in _FINAL else JobStatus.CANCELED


def _absence(follower: Follower, job: str) -> str:
    decision = follower.decision(job)
    return decision.reason if decision and not decision.present else ""

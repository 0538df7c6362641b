"""The end of a run as data: what `gitlab-dags run --json` prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitlab_ci_provider.local.follow.downstream import described
from gitlab_ci_provider.local.follow.progress import Follower, JobProgress, Snapshot
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE, task_ids

_IN_WAITING = {"blocked": "manual", "created": "created", "pending": "pending"}
"""What jobs are, that have not ended, of a pipeline that waits for a person."""


def build_report(
    follower: Follower, end: Snapshot, home: Home, *, status: str = ""
) -> dict[str, Any]:
    """Gather how every job ended.

    Args:
        follower: of the run.
        end: how it was seen last.
        home: of the stack.
        status: of the pipeline, where whoever followed it knows that better than its last task.
    """
    result = _result(follower)
    own = [one for one in follower.downstream() if one.above == follower.run]
    below = {one.task: described(follower.api, one) for one in own}
    jobs = {job.name: _job(follower, job, home, below) for job in end.jobs}
    if status == "manual":
        for job in end.jobs:
            jobs[job.name]["status"] = _IN_WAITING.get(job.status, jobs[job.name]["status"])
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


def no_report(message: str) -> dict[str, Any]:
    """Say in the same form that there is no run to report of."""
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


def failed_task_log(follower: Follower, end: Snapshot) -> list[str]:
    """Read the log of `create_pipeline` when it is what failed."""
    created = end.tasks.get(CREATE_PIPELINE)
    if created is None or created.state != "failed":
        return []
    return follower.api.log(follower.dag, follower.run, created)


def _result(follower: Follower) -> dict[str, Any]:
    """Read how the pipeline ended as `finish_pipeline` left it; empty when it has not."""
    result = follower.api.xcom(
        follower.dag, follower.run, FINISH_PIPELINE, xcom_keys.PIPELINE_RESULT
    )
    return result or {}


def _status(end: Snapshot, result: Mapping[str, Any]) -> str:
    """Say what `finish_pipeline` said, unless somebody has marked the run as failed all the same.

    It is skipped without a word when a run is stopped.
    """
    finish = end.tasks.get(FINISH_PIPELINE)
    unsaid = "canceled" if finish is not None and finish.state == "skipped" else "failed"
    said = str(result.get("status") or unsaid)
    return "canceled" if end.state == "failed" and said in {"passed", "skipped"} else said


def _job(
    follower: Follower, job: JobProgress, home: Home, downstream: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    names = task_ids(follower.pipeline.jobs)
    asked = job.task is not None and job.task.state in {"success", "failed", "skipped"}
    result = (
        follower.api.xcom(follower.dag, follower.run, names[job.name], xcom_keys.JOB_RESULT)
        if asked and job.status != "absent"
        else None
    ) or {}
    log = raw_log(follower, home, job.name, job.task.try_number) if job.task else None
    ran = job.status in {"success", "failed"}
    # A job that fails says so; a task that failed without a word was marked so by a person.
    unsaid = "canceled" if job.status == "failed" else _final(job.status)
    return {
        "stage": job.stage,
        "status": result.get("status") or unsaid,
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
        "downstream": downstream.get(names[job.name]),
    }


def _has_failed(job: Mapping[str, Any]) -> bool:
    return job["status"] == "failed" and not job["allowed_failure"]


def _final(status: str) -> str:
    """Name a job that had not ended when the run did."""
    return status if status in {"success", "failed", "skipped", "manual", "absent"} else "canceled"


def _absence(follower: Follower, job: str) -> str:
    decision = follower.decision(job)
    return str(decision["reason"]) if decision and not decision["present"] else ""

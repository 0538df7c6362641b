"""The end of a run as data: what `gitlab-dags run --json` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gitlab_ci_provider.local.downstream import described
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.progress import Follower, JobProgress, Snapshot
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE, task_ids


def build_report(
    follower: Follower, end: Snapshot, home: Home, *, canceled: bool
) -> dict[str, Any]:
    """Gather how every job ended; `canceled` says that whoever followed the run stopped it."""
    result = _result(follower)
    own = [one for one in follower.downstream() if one.above == follower.run]
    below = {one.task: described(follower.api, one) for one in own}
    jobs = {job.name: _job(follower, job, home, below) for job in end.jobs}
    return {
        "status": "canceled" if canceled else _status(end, result),
        "warnings": any(job["allowed_failure"] for job in jobs.values()),
        "coverage": result.get("coverage"),
        "jobs": jobs,
        "dag_id": follower.dag,
        "run_id": follower.run,
        "url": follower.api.run_url(follower.dag, follower.run),
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
    result = follower.api.xcom(follower.dag, follower.run, FINISH_PIPELINE, "pipeline_result")
    return result or {}


def _status(end: Snapshot, result: dict[str, Any]) -> str:
    finish = end.tasks.get(FINISH_PIPELINE)
    if finish is not None and finish.state == "skipped":
        return "skipped"
    return str(result.get("status", "failed"))


def _job(
    follower: Follower, job: JobProgress, home: Home, downstream: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    names = task_ids(follower.pipeline.jobs)
    asked = job.task is not None and job.task.state in {"success", "failed", "skipped"}
    result = (
        follower.api.xcom(follower.dag, follower.run, names[job.name], "job_result")
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


def _final(status: str) -> str:
    """Name a job that had not ended when the run did."""
    return status if status in {"success", "failed", "skipped", "manual", "absent"} else "canceled"


def _absence(follower: Follower, job: str) -> str:
    decision = follower.decision(job)
    return str(decision["reason"]) if decision and not decision["present"] else ""

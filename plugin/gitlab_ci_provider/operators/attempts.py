"""How often a job has failed in this pipeline: GitLab's count, which Airflow's tries are not.

Airflow also counts tries whose worker was lost; those find their pod again and use up no `retry`.
"""

from __future__ import annotations

from airflow.sdk import Context

from gitlab_ci_provider.model.run import PipelineRun

_KEY = "gitlab_ci_failures"


def failures(context: Context, run: PipelineRun) -> int:
    """Tell how often the job has failed since the pipeline was created."""
    stored = context["task_state_store"].get(_KEY)
    if isinstance(stored, dict) and stored.get("pipeline") == run.created_at:
        return int(stored["failed"])
    return 0


def count_failure(context: Context, run: PipelineRun) -> int:
    """Count one more failure and return the new count."""
    failed = failures(context, run) + 1
    value = {"pipeline": run.created_at, "failed": failed}
    context["task_state_store"].set(_KEY, value)
    return failed

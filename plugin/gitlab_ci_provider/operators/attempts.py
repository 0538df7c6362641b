"""How often a job has failed in this pipeline: GitLab's count, which Airflow's tries are not.

Airflow also counts tries whose worker was lost; those find their pod again and use up no `retry`.
"""

from __future__ import annotations

from typing import Literal

from airflow.sdk import Context

from gitlab_ci_provider.model.run import PipelineRun

Kind = Literal["failed", "interrupted"]
_KEY = "gitlab_ci_failures"


def count(context: Context, run: PipelineRun, kind: Kind) -> int:
    """Count one more end of a kind and return how many there were since the pipeline began."""
    stored = context["task_state_store"].get(_KEY)
    same = isinstance(stored, dict) and stored.get("pipeline") == run.created_at
    counts = {"failed": 0, "interrupted": 0, **(stored if same else {})}
    counts |= {"pipeline": run.created_at, kind: int(counts[kind]) + 1}
    context["task_state_store"].set(_KEY, counts)
    return int(counts[kind])

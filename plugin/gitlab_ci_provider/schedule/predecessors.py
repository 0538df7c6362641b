"""Which jobs a job waits for: its needs, or every job of the earlier stages."""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision


def uses_needs(job: Job, decision: JobDecision) -> bool:
    """Tell whether `needs` orders the job (written in the job or in the rule that matched)."""
    return job.needs is not None or decision.needs is not None


def predecessors(
    name: str, pipeline: Pipeline, decisions: Mapping[str, JobDecision]
) -> tuple[str, ...]:
    """List the jobs whose end decides about a job, in the pipeline's order.

    `rules:needs` replaces the job's needs; it can only name jobs that the DAG already has.
    """
    job, decision = pipeline.jobs[name], decisions[name]
    if decision.needs is not None:
        return tuple(need.job for need in decision.needs if need.job in pipeline.jobs)
    if job.needs is not None:
        return tuple(pipeline.edges.get(name, ()))
    earlier = set(pipeline.stages[: pipeline.stages.index(job.stage)])
    return tuple(other.name for other in pipeline.jobs.values() if other.stage in earlier)

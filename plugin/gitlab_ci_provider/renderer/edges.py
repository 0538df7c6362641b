"""The edges that Airflow needs: fewer than GitLab means, with the same order.

A job in stage order waits for all earlier stages. When the stage before it has a job in stage order
too, that job already waits for all that came before, and edges from the nearer stage are enough.
"""

from __future__ import annotations

from gitlab_ci_provider.model.pipeline import Pipeline


def upstream(pipeline: Pipeline) -> dict[str, tuple[str, ...]]:
    """List, for each job, the jobs that its task waits for directly."""
    stages = _jobs_by_stage(pipeline)
    nearest = _nearest_barriers(pipeline, stages)
    return {
        name: nearest[job.stage] if job.needs is None else tuple(pipeline.edges.get(name, ()))
        for name, job in pipeline.jobs.items()
    }


def _jobs_by_stage(pipeline: Pipeline) -> dict[str, list[str]]:
    stages: dict[str, list[str]] = {stage: [] for stage in pipeline.stages}
    for name, job in pipeline.jobs.items():
        stages[job.stage].append(name)
    return stages


def _nearest_barriers(
    pipeline: Pipeline, stages: dict[str, list[str]]
) -> dict[str, tuple[str, ...]]:
    """For each stage, the jobs of the earlier stages back to the nearest with a job in order."""
    barriers: dict[str, tuple[str, ...]] = {}
    waiting: tuple[str, ...] = ()
    for stage in pipeline.stages:
        barriers[stage] = waiting
        jobs = stages[stage]
        in_order = any(pipeline.jobs[name].needs is None for name in jobs)
        waiting = tuple(jobs) if in_order else (*waiting, *jobs)
    return barriers

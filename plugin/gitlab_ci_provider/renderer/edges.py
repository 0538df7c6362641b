"""The edges of a DAG: between jobs, and in a large pipeline between jobs and the ends of stages.

Airflow's graph costs the cube of the number of jobs when each waits for every job before it; see
`docs/adr/0040-large-pipelines-wait-for-the-ends-of-stages.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow.sdk import BaseOperator

from gitlab_ci_provider.model.pipeline import Pipeline

MANY = 1_000
"""A pipeline with more edges than these has ends of stages."""


def ended_stages(pipeline: Pipeline) -> tuple[str, ...]:
    """List the stages, in order, whose end later jobs wait for in place of all their jobs."""
    if sum(map(len, pipeline.edges.values())) <= MANY:
        return ()
    jobs = {stage: _jobs_of(stage, pipeline, pipeline.jobs) for stage in pipeline.stages}
    used = [stage for stage in pipeline.stages if jobs[stage]]
    earlier: frozenset[str] = frozenset()
    needed = 0
    for place, stage in enumerate(used):
        if any(earlier.issubset(pipeline.edges.get(name, ())) for name in jobs[stage]):
            needed = place
        earlier |= frozenset(jobs[stage])
    return tuple(used[:needed])


def connect_jobs(
    create: BaseOperator,
    tasks: Mapping[str, BaseOperator],
    ends: Mapping[str, BaseOperator],
    pipeline: Pipeline,
) -> None:
    """Have each job wait for the jobs that `pipeline.edges` names.

    Args:
        create: what jobs wait for that wait for no other.
        tasks: by job; edges to other jobs are left out.
        ends: by stage; a job that waits for all jobs of the stages before waits for the last one.
        pipeline: with the edges.
    """
    end: list[BaseOperator] = []
    earlier: frozenset[str] = frozenset()
    for stage in pipeline.stages:
        names = _jobs_of(stage, pipeline, tasks)
        for name in names:
            edges = pipeline.edges.get(name, ())
            behind = end if earlier.issubset(edges) else []
            direct = [job for job in edges if job in tasks and not (behind and job in earlier)]
            connect([*behind, *(tasks[job] for job in direct)] or [create], tasks[name])
        if stage in ends:
            connect([*end, *(tasks[name] for name in names)], ends[stage])
            end = [ends[stage]]
        earlier |= frozenset(names)


def _jobs_of(stage: str, pipeline: Pipeline, jobs: Iterable[str]) -> list[str]:
    return [name for name in jobs if pipeline.jobs[name].stage == stage]


def connect(before: Sequence[BaseOperator], task: BaseOperator) -> None:
    """Have a task wait for others; `set_upstream` looks at each pair, and there can be many."""
    task.upstream_task_ids.update(other.task_id for other in before)
    for other in before:
        other.downstream_task_ids.add(task.task_id)

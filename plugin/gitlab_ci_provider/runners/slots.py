"""Pools, queues and priorities of Airflow: what the runners say of each job, before any run.

They belong to a task, which is made with the DAG. So the runner of a job is looked up when its
pipeline is compiled, too, and the answer becomes part of the snapshot: no runner is read when DAGs
are parsed. Tags that hold variables have no value yet; such a job has a slot only if all runners
agree on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline, TaskSlot
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.runners.choice import Wanted, why_not

_NONE = TaskSlot()


def with_slots(
    pipeline: Pipeline, runners: Sequence[RunnerProfile], project: Project, ref: Ref
) -> Pipeline:
    """Say for each job of a pipeline where Airflow runs its task."""
    found: dict[str, TaskSlot] = {}
    for name, job in pipeline.jobs.items():
        slots = {slot_of(runner) for runner in _takers(job, runners, project, ref)}
        if len(slots) == 1:
            found[name] = slots.pop()
    return replace(
        pipeline, slots={name: slot for name, slot in sorted(found.items()) if slot != _NONE}
    )


def slot_of(runner: RunnerProfile) -> TaskSlot:
    """Return where Airflow runs the tasks of a runner's jobs."""
    return TaskSlot(pool=runner.pool, queue=runner.queue, priority=runner.priority_weight or 0)


def _takers(
    job: Job, runners: Sequence[RunnerProfile], project: Project, ref: Ref
) -> Iterator[RunnerProfile]:
    """List the runners that may take a job: one, unless only its variables decide."""
    if job.bridge is not None:
        return
    wanted = Wanted(tags=job.tags, protected=ref.protected, project=project.path)
    if any("$" in tag for tag in job.tags):
        for runner in runners:
            if not why_not(runner, replace(wanted, tags=runner.tags)):
                yield runner
        return
    taker = next((runner for runner in runners if not why_not(runner, wanted)), None)
    if taker is not None:
        yield taker

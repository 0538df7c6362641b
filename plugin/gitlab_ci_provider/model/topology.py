"""What a DAG shows of a pipeline: pipelines with the same topology can share a DAG.

Everything that the renderer gives to tasks, other than the name of the job, belongs in here.
"""

from __future__ import annotations

from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.serialization import digest, encode


def topology(pipeline: Pipeline) -> str:
    """Name the topology of a pipeline: 12 hexadecimal digits, the same for the same shape."""
    shapes = {name: _shape(job, pipeline) for name, job in pipeline.jobs.items()}
    return digest(encode([list(_stages(pipeline)), shapes]))[:12]


def shown(pipeline: Pipeline) -> str:
    """Name what a DAG shows of a pipeline: its topology, its run form, and what it includes.

    A commit that changes only scripts keeps it, and with it the version of the DAG.
    """
    form = [variable for variable in pipeline.variables if variable.description is not None]
    return digest(encode([topology(pipeline), pipeline.inputs, form, pipeline.lock]))[:12]


def topology_tag(pipeline: Pipeline) -> str:
    """Name the tag of a DAG that fits a pipeline."""
    return f"topology-{topology(pipeline)}"


def differences(shown: Pipeline, other: Pipeline) -> str:
    """Describe how the topology of another pipeline differs; empty when it does not."""
    both = [name for name in shown.jobs if name in other.jobs]
    changes = {
        "new": [name for name in other.jobs if name not in shown.jobs],
        "gone": [name for name in shown.jobs if name not in other.jobs],
        "changed": [name for name in both if _changed(name, shown, other)],
    }
    found = "; ".join(f"{what}: {', '.join(jobs)}" for what, jobs in changes.items() if jobs)
    return found or ("" if _stages(shown) == _stages(other) else "other stages")


def _changed(name: str, shown: Pipeline, other: Pipeline) -> bool:
    return _shape(shown.jobs[name], shown) != _shape(other.jobs[name], other)


def _shape(job: Job, pipeline: Pipeline) -> tuple[object, ...]:
    edges = sorted(pipeline.edges.get(job.name, ()))
    shape = (job.stage, edges, job.retry.max, job.timeout, job.bridge is not None)
    slot = pipeline.slots.get(job.name)
    return (*shape, slot) if slot else shape


def _stages(pipeline: Pipeline) -> tuple[str, ...]:
    used = {job.stage for job in pipeline.jobs.values()}
    return tuple(stage for stage in pipeline.stages if stage in used)

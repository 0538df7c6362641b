"""`${{ job.inputs.x }}` in a job. Source: GitLab docs, Job inputs, and the runner's common/spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gitlab_ci_provider.moa.interpolate import interpolate
from gitlab_ci_provider.model.job import Job


def texts_with_inputs(job: Job) -> dict[str, Any]:
    """Give what takes inputs, by the name that it has in the model."""
    return {
        "script": job.script,
        "image": job.image,
        "services": job.services,
        "artifacts": job.artifacts,
        "caches": job.caches,
    }


def interpolate_job(job: Job, inputs: Mapping[str, object]) -> Job:
    """Put the values of its inputs into a job.

    Raises:
        MoaError: an expression cannot be read or evaluated.
    """
    context = {"job": {"inputs": inputs}}
    changed = {name: interpolate(value, context) for name, value in texts_with_inputs(job).items()}
    return replace(job, **changed)

"""`${{ job.inputs.x }}` in the keywords of a job that take it.

A job without inputs keeps `${{ }}` as it is. Source: the runner's common/spec/inputs.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.model.job import Job


def with_inputs(job: Job, given: Mapping[str, object]) -> Job:
    """Put the values of its inputs into a job: the given ones, otherwise the defaults.

    Raises:
        SystemFailure: a value is refused, or an expression cannot be evaluated.
    """
    if not job.inputs:
        return job
    from gitlab_ci_provider.moa.ast import MoaError
    from gitlab_ci_provider.moa.interpolate import interpolate_job
    from gitlab_ci_provider.rules.inputs import job_input_values  # most jobs have no inputs

    values, problems = job_input_values(job.inputs, given)
    if problems:
        raise ConfigurationFailure("; ".join(problems))
    try:
        return interpolate_job(job, values)
    except MoaError as error:
        raise ConfigurationFailure(f"failed to interpolate job inputs: {error}") from error

"""`${{ job.inputs.x }}`: errors that GitLab's runner finds only when the job starts."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.linter.places import place
from gitlab_ci_provider.moa.ast import MoaError
from gitlab_ci_provider.moa.interpolate import interpolate_job, texts_with_inputs
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.rules.inputs import job_input_values

_USE = "${{ job.inputs."


def check_job_inputs(config: CiConfig) -> Iterator[Diagnostic]:
    """Try every job's expressions with the defaults of its inputs."""
    for entry in config.jobs.values():
        if entry.job.inputs:
            yield from _check_expressions(entry)
        elif _USE in str(texts_with_inputs(entry.job)):
            words = f"{entry.job.name} job: it has no inputs, so {_USE}* }}}} stays as it is"
            yield warning("job-inputs-missing", words, place(entry.raw, "script"))


def _check_expressions(entry: JobConfig) -> Iterator[Diagnostic]:
    values, _ = job_input_values(entry.job.inputs, {})
    try:
        interpolate_job(entry.job, values)
    except MoaError as error:
        words = f"{entry.job.name} job: failed to interpolate job inputs: {error}"
        yield warning("job-inputs-expression", words, place(entry.raw, "inputs"))

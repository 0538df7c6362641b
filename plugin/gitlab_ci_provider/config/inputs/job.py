"""`inputs:` of a job: values that whoever plays or retries it may change."""

from __future__ import annotations

from gitlab_ci_provider.config.inputs.spec import read_inputs
from gitlab_ci_provider.config.inputs.values import resolve_inputs
from gitlab_ci_provider.config.keywords.fields import Field

MAX_INPUTS = 50


def check_job_inputs(job: Field) -> None:
    """Report what is wrong with a job's inputs; each needs a default of its type."""
    inputs = job.entry("inputs")
    if inputs is None:
        return
    specs = read_inputs(job)
    if len(specs) > MAX_INPUTS:
        inputs.refuse(f"cannot define more than {MAX_INPUTS} inputs")
    for words in resolve_inputs(specs, {})[1]:
        inputs.refuse_as(words.replace("required value has not been provided", "needs a default"))

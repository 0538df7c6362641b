"""`inputs:` of a job: values that can be changed when it is played or retried."""

from __future__ import annotations

from gitlab_ci_provider.config.inputs.spec import JOB_INPUT_KEYS, read_input
from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.rules.inputs import resolve_inputs

MAX_INPUTS = 50


def check_job_inputs(job: Field) -> None:
    """Report what is wrong with a job's inputs; each needs a default of its type."""
    inputs = job.entry("inputs")
    if inputs is None or not isinstance(inputs.value, Map):
        return
    if len(inputs.value) > MAX_INPUTS:
        job.refuse_as(f"inputs has too many entries (maximum {MAX_INPUTS})")
    for name in inputs.value:
        _check(job, inputs, name)


def _check(job: Field, inputs: Field, name: str) -> None:
    label = f"{inputs.label}:{name}"
    empty = Map(inputs.mark)
    field = inputs.entry(name) or Field(
        empty, label, f"{label} config", inputs.mark, inputs.diagnostics
    )
    if isinstance(field.value, Map) and field.value.get("default") is None:
        field.refuse_as("must have a default value")
        return
    spec = read_input(field, name, JOB_INPUT_KEYS)
    for words in resolve_inputs({name: spec}, {})[1] if spec else ():
        job.refuse_as(f"inputs {words.replace(' input:', ':', 1)}")

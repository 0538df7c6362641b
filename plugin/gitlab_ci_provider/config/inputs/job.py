"""`inputs:` of a job: values that whoever plays or retries it may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitlab_ci_provider.config.inputs.spec import JOB_INPUT_KEYS, InputSpec, read_input
from gitlab_ci_provider.config.inputs.values import resolve_inputs
from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.config.raw import Map

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


def job_input_values(
    written: Mapping[str, Mapping[str, object]], given: Mapping[str, object]
) -> tuple[dict[str, object], list[str]]:
    """Give the values of a job's inputs by name, and what is wrong with those that were given."""
    return resolve_inputs({name: _spec(name, spec) for name, spec in written.items()}, given)


def _spec(name: str, written: Mapping[str, object]) -> InputSpec:
    options, regex = written.get("options"), written.get("regex")
    return InputSpec(
        name=name,
        type=str(written.get("type") or "string"),
        required="default" not in written,
        default=written.get("default"),
        options=tuple(options) if isinstance(options, Sequence) else None,
        regex=str(regex) if regex is not None else None,
    )

"""`inputs:` of a job: values that whoever plays or retries it may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitlab_ci_provider.config.inputs.spec import InputSpec, read_inputs
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


def job_input_values(
    written: Mapping[str, Mapping[str, object]], given: Mapping[str, object]
) -> tuple[dict[str, object], list[str]]:
    """Give the values of a job's inputs by name, and what is wrong with those that were given."""
    return resolve_inputs({name: _spec(name, one) for name, one in written.items()}, given)


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

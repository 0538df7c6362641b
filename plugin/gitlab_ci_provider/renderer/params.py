"""The run form of a DAG: the ref, the file's inputs and described variables, and the rest."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from gitlab_ci_provider.model.pipeline import Pipeline, PipelineInput
from gitlab_ci_provider.model.variables import Variable
from gitlab_ci_provider.runs.form import (
    INPUT_PREFIX,
    JOBS,
    MERGE_REQUEST,
    REF,
    SOURCE,
    SOURCES,
    VARIABLES,
    form_variables,
)


def run_params(pipeline: Pipeline, ref: str) -> dict[str, Param]:
    """Build the form, the most useful fields first; `ref` is the default ref."""
    name = Param(
        ref,
        type="string",
        title="Run for branch name or tag",
        description="A branch, a tag or a full commit id.",
    )
    free = Param(
        {},
        type=["object", "null"],
        title="Variables",
        description='More pipeline variables, as JSON: {"NAME": "value"}.',
    )
    inputs = {INPUT_PREFIX + declared.name: _input(declared) for declared in pipeline.inputs}
    variables = {variable.name: _field(variable) for variable in form_variables(pipeline)}
    return {REF: name, **inputs, **variables, VARIABLES: free, **_advanced()}


def _advanced() -> dict[str, Param]:
    """Build the fields that are rarely needed."""
    source = Param(
        "web",
        enum=list(SOURCES),
        title="CI_PIPELINE_SOURCE",
        description="The value of CI_PIPELINE_SOURCE that rules see.",
        section="Advanced",
    )
    request = Param(
        {},
        type=["object", "null"],
        title="Merge request",
        description='{"iid": 1, "source_branch": "topic", "target_branch": "main"}',
        section="Advanced",
    )
    jobs = Param(
        [],
        type=["array", "null"],
        items={"type": "string"},
        title="Only these jobs",
        description="Names of jobs, one per line; the jobs that they need run as well.",
        section="Advanced",
    )
    return {SOURCE: source, MERGE_REQUEST: request, JOBS: jobs}


def _input(declared: PipelineInput) -> Param:
    """Build the field of an input; an empty one keeps the file's default."""
    choices = [*declared.options] + [None for _ in declared.options[:1] if declared.default is None]
    enum: dict[str, Any] = {"enum": choices} if choices else {}
    return Param(
        declared.default,
        type=["null", declared.type],
        **enum,
        title=declared.name,
        description=declared.description or None,
        section="Inputs",
    )


def _field(variable: Variable) -> Param:
    """Build one field; options make it a list to choose from."""
    choices: dict[str, Any] = {"enum": list(variable.options)} if variable.options else {}
    return Param(
        variable.value,
        type="string" if choices else ["string", "null"],
        **choices,
        title=variable.name,
        description=variable.description,
    )

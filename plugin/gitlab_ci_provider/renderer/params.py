"""The run form of a project's DAG: the ref, the file's described variables, any other variable."""

from __future__ import annotations

from airflow.sdk import Param

from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.variables import Variable
from gitlab_ci_provider.operators.run_form import (
    JOBS,
    REF,
    SOURCE,
    SOURCES,
    VARIABLES,
    form_variables,
)


def run_params(pipeline: Pipeline, default_branch: str) -> dict[str, Param]:
    """Build the form, fields in the order in which a person wants them."""
    ref = Param(
        default_branch,
        type="string",
        title="Run for branch name or tag",
        description="A branch, a tag or a full commit id.",
    )
    variables = {one.name: _field(one) for one in form_variables(pipeline)}
    free = Param(
        {},
        type=["object", "null"],
        title="Variables",
        description='More pipeline variables, as JSON: {"NAME": "value"}.',
    )
    source = Param(
        "web",
        enum=list(SOURCES),
        title="CI_PIPELINE_SOURCE",
        description="What the pipeline's rules see as its source.",
        section="Advanced",
    )
    jobs = Param(
        [],
        type=["array", "null"],
        items={"type": "string"},
        title="Only these jobs",
        description="Names of jobs, one a line; they run with the jobs that they stand on.",
        section="Advanced",
    )
    return {REF: ref, **variables, VARIABLES: free, SOURCE: source, JOBS: jobs}


def _field(variable: Variable) -> Param:
    """Build one field; options make it a list to choose from."""
    if variable.options:
        return Param(
            variable.value,
            type="string",
            enum=list(variable.options),
            title=variable.name,
            description=variable.description,
        )
    return Param(
        variable.value,
        type=["string", "null"],
        title=variable.name,
        description=variable.description,
    )

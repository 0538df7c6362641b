"""Which variable wins: GitLab's order, from the job's predefined ones up to pipeline variables.

Low to high: predefined, run-only, global, `workflow:rules`, job (with matrix values),
`rules:variables`, dotenv, project, pipeline variables.
"""

from __future__ import annotations

from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.variables import Variables, merge
from gitlab_ci_provider.variables.expand import expand_values
from gitlab_ci_provider.variables.predefined import job_variables, pipeline_variables


def effective_variables(
    job: Job,
    pipeline: Pipeline,
    context: PipelineContext,
    decision: JobDecision | None = None,
    *,
    workflow: Variables = (),
    run: Variables = (),
) -> Variables:
    """List all variables of a job, not expanded.

    `workflow` is what `workflow:rules` adds to the global variables, `run` what only the run knows.
    """
    written = yaml_variables(job, pipeline.variables, workflow, decision)
    return layered(job, pipeline_variables(context), written, context.variables, run=run)


def layered(
    job: Job, predefined: Variables, written: Variables, given: Variables, *, run: Variables = ()
) -> Variables:
    """Lay the variables of a job over each other.

    `predefined` are those of the pipeline, `written` those of the file, `given` the pipeline
    variables, `run` what only the run knows.
    """
    known: dict[str, str] = {}
    if job.environment:
        known = expand_values(merge(predefined, run, written, given))
    return merge(predefined, job_variables(job, known), run, written, given)


def yaml_variables(
    job: Job, shared: Variables, workflow: Variables, decision: JobDecision | None = None
) -> Variables:
    """List a job's variables from the file: global, workflow, its own, its matching rule's."""
    decided = decision.variables if decision else ()
    return merge(inherited(job, merge(shared, workflow)), job.own_variables, decided)


def inherited(job: Job, shared: Variables) -> Variables:
    """Keep the global variables that `inherit:variables` lets through."""
    wanted = job.inherited_variables
    if wanted is None:
        return shared
    return tuple(variable for variable in shared if variable.name in wanted)

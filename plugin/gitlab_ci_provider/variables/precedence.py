"""Which variable wins: GitLab's order, from the job's predefined ones up to pipeline variables.

Low to high: predefined, run-only, global, `workflow:rules`, job (with matrix values),
`rules:variables`, dotenv, instance, groups, project, pipeline variables.

Source: GitLab's `Ci::Variables::Builder`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.variables.configured import applicable
from gitlab_ci_provider.variables.expand import (
    expand_in_rules,
    expand_known,
    expand_or_drop,
    references,
)
from gitlab_ci_provider.variables.predefined import (
    job_variables,
    pipeline_variables,
    user_variables,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunVariables:
    """Variables of a job that exist only once it runs.

    Attributes:
        predefined: CI_JOB_ID and its like.
        dotenv: written by earlier jobs.
        user: who played the job.
    """

    predefined: Variables = Variables()
    dotenv: Variables = Variables()
    user: Variables = Variables()


def effective_variables(
    job: Job,
    pipeline: Pipeline,
    context: PipelineContext,
    decision: JobDecision | None = None,
    *,
    workflow: Variables = Variables(),
    run: RunVariables | None = None,
) -> Variables:
    """List all variables of a job, not expanded.

    `workflow` is what `workflow:rules` adds to the global variables, `run` what only the run knows.
    """
    written = yaml_variables(job, pipeline.variables, workflow, decision)
    job = replace(job, when=decision.when) if decision else job
    return layered(job, context, pipeline_variables(context), written, run=run)


def layered(
    job: Job,
    context: PipelineContext,
    predefined: Variables,
    written: Variables,
    *,
    run: RunVariables | None = None,
) -> Variables:
    """Merge the variables of a job.

    `predefined` are those of the pipeline, `written` those of the file, `run` what only the run
    knows.
    """
    run = run or RunVariables()
    name = None
    file = (run.predefined, written, user_variables(context), run.user)
    if job.environment and job.environment.name:
        plain = applicable(context.configured, protected=context.ref.protected)
        simple = overlay(predefined, job_variables(job), *file, plain, context.variables)
        name = expand_or_drop(job.environment.name, expand_in_rules(simple))
    configured = applicable(context.configured, protected=context.ref.protected, environment=name)
    own = job_variables(job, name)
    return overlay(predefined, own, *file, run.dotenv, configured, context.variables)


def workflow_variables(
    pipeline: Pipeline,
    context: PipelineContext,
    predefined: Variables,
    workflow: Variables = Variables(),
) -> Variables:
    """List what `workflow:rules` and `workflow:name` see: nothing of a job.

    `workflow` is what the matching rule adds to the global variables.
    """
    configured = applicable(context.configured, protected=context.ref.protected)
    everything = overlay(predefined, pipeline.variables | workflow, configured, context.variables)
    return Variables(
        variable for variable in everything if not variable.name.startswith(("CI_JOB", "CI_BUILD"))
    )


def include_variables(context: PipelineContext) -> Variables:
    """List what `include` sees: variables known before any file is read."""
    configured = applicable(context.configured, protected=context.ref.protected)
    return overlay(pipeline_variables(context), configured, context.variables)


def overlay(base: Variables, *layers: Variables) -> Variables:
    """Join layers: a later one wins, but a value that refers to itself wraps the earlier value.

    GitLab keeps all variables of a name and expands one that names itself last. Masked and file
    variables are never wrapped, so that no log shows a part of a secret.
    """
    joined = {variable.name: variable for variable in base}
    wrappers: list[Variable] = []
    for layer in layers:
        for variable in layer:
            if ("$" in variable.value or "%" in variable.value) and _wraps(variable):
                wrappers.append(variable)
            else:
                joined[variable.name] = variable
    for wrapper in wrappers:
        inner = joined.get(wrapper.name)
        joined[wrapper.name] = wrapper if inner is None else _wrap(wrapper, inner)
    return Variables(joined.values())


def _wraps(variable: Variable) -> bool:
    plain = variable.expand and not variable.file
    return plain and variable.name in references(variable.value)


def _wrap(wrapper: Variable, inner: Variable) -> Variable:
    if wrapper.masked or inner.masked or inner.file:
        return inner
    value = inner.value if inner.expand else inner.value.replace("$", "$$")
    return replace(wrapper, value=expand_known(wrapper.value, {wrapper.name: value}))


def yaml_variables(
    job: Job,
    shared: Variables,
    workflow: Variables = Variables(),
    decision: JobDecision | None = None,
) -> Variables:
    """List a job's variables from the file: global, workflow, its own, its matching rule's."""
    decided = decision.variables if decision else Variables()
    return inherited(job, shared | workflow) | job.own_variables | decided


def inherited(job: Job, shared: Variables) -> Variables:
    """Keep the global variables that `inherit:variables` allows."""
    wanted = job.inherited_variables
    if wanted is None:
        return shared
    return Variables(variable for variable in shared if variable.name in wanted)

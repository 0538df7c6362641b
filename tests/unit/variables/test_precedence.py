"""Which variable wins."""

from __future__ import annotations

from factories import make_context, make_job, make_pipeline, make_variables
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.variables.expand import expand_all
from gitlab_ci_provider.variables.precedence import RunVariables, effective_variables


def test_layers_win_in_gitlabs_order():
    """Pipeline, dotenv, rule, job, workflow, global, run-only, predefined: each over the next."""
    names = ("CI_JOB_NAME", "RUN", "SHARED", "FLOW", "JOB", "RULE", "DOTENV", "PIPELINE")
    layers = [dict.fromkeys(names[position:], str(position)) for position in range(8)]
    job = make_job("a", own_variables=make_variables(**layers[4]))
    pipeline = make_pipeline(job, variables=make_variables(**layers[2]))
    context = make_context(variables=make_variables(**layers[7]))
    decision = JobDecision(job="a", present=True, variables=make_variables(**layers[5]))

    found = effective_variables(
        job,
        pipeline,
        context,
        decision,
        workflow=make_variables(**layers[3]),
        run=RunVariables(
            predefined=make_variables(**layers[1]), dotenv=make_variables(**layers[6])
        ),
    )

    values = {one.name: one.value for one in found}
    assert [values[name] for name in names] == ["a", "1", "2", "3", "4", "5", "6", "7"]


def test_inherit_filters_global_and_workflow_variables():
    """A job that inherits some variables sees no others of the file."""
    job = make_job("a", inherited_variables=("A",))
    pipeline = make_pipeline(job, variables=make_variables(A="1", B="2"))

    found = effective_variables(job, pipeline, make_context(), workflow=make_variables(C="3"))

    assert {"A"} == {one.name for one in found} & {"A", "B", "C"}


def _value(context: PipelineContext, job: Job) -> str:
    found = effective_variables(job, make_pipeline(job), context)
    return {one.name: one.value for one in expand_all(found)}["CI_COMMIT_REF_NAME"]


def test_a_variable_may_wrap_the_predefined_one():
    """A value that names itself holds what the variable was before."""
    job = make_job("a", own_variables=make_variables(CI_COMMIT_REF_NAME="x-$CI_COMMIT_REF_NAME"))

    assert _value(make_context(), job) == "x-main"


def test_a_self_reference_wraps_the_stronger_value_too():
    """GitLab expands the value that names itself last, whichever layer it is from."""
    job = make_job("a", own_variables=make_variables(CI_COMMIT_REF_NAME="x-$CI_COMMIT_REF_NAME"))
    context = make_context(variables=make_variables(CI_COMMIT_REF_NAME="run"))

    assert _value(context, job) == "x-run"


def test_secrets_are_never_wrapped():
    """A masked value stays whole, so that masking finds it in logs."""
    job = make_job("a", own_variables=make_variables(T="Bearer $T"))
    secret = Variable(name="T", value="topsecret", masked=True)
    context = make_context(configured=ConfiguredVariables(project=(secret,)))

    found = effective_variables(job, make_pipeline(job), context)

    assert secret in found

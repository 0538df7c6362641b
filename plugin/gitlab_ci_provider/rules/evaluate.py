"""Rules and a context to decisions: which jobs a pipeline has, and how each of them runs.

Pure: the run, the command line and the tests all ask the same function.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.diagnostic import Diagnostic, SourceLocation, error
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import (
    AllowFailure,
    AutoCancel,
    JobDecision,
    PipelineDecision,
    Rule,
    When,
)
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.rules.match import RuleError, rule_matches
from gitlab_ci_provider.rules.policy import refuses
from gitlab_ci_provider.rules.skip_ci import skip_reason
from gitlab_ci_provider.rules.view import RuleView, job_view, workflow_view
from gitlab_ci_provider.schedule.order import needs_cycle
from gitlab_ci_provider.variables.expand import expand_in_rules, expand_or_drop
from gitlab_ci_provider.variables.precedence import workflow_variables
from gitlab_ci_provider.variables.predefined import pipeline_variables

MAX_NEEDS = 50
MAX_NAME = 255
"""Characters of `workflow:name` after expansion."""

_PASSED = {
    (False, False): "no rules",
    (True, False): "`only` matches",
    (False, True): "`except` does not match",
    (True, True): "`only` matches and `except` does not",
}
"""Why a job without rules is in a pipeline, by whether it has `only` and `except`."""

EDGE_STAGES = (".pre", ".post")


@dataclass(frozen=True, slots=True)
class _Workflow:
    created: bool
    reason: str
    variables: Variables = Variables()
    auto_cancel: AutoCancel | None = None


def decide(job: Job, pipeline: Pipeline, context: PipelineContext) -> JobDecision:
    """Decide about one job, as if `workflow:rules` allowed the pipeline."""
    workflow = _decide_workflow(pipeline, context, pipeline_variables(context))
    return _decide_job(job, pipeline, context, workflow.variables, pipeline_variables(context))


def decide_pipeline(pipeline: Pipeline, context: PipelineContext) -> PipelineDecision:
    """Decide whether there is a pipeline, and about each of its jobs."""
    predefined = pipeline_variables(context)
    workflow = _decide_workflow(pipeline, context, predefined)
    jobs = {
        name: _decide_job(job, pipeline, context, workflow.variables, predefined)
        for name, job in pipeline.jobs.items()
    }
    if workflow.created:
        jobs = {name: _check_needs(jobs, pipeline.jobs[name]) for name in jobs}
        jobs |= _check_circle(pipeline, jobs)
    name = _name(pipeline, context, workflow, predefined)
    errors = [problem for job in jobs.values() for problem in job.errors]
    decision = PipelineDecision(
        created=workflow.created,
        reason=workflow.reason,
        name=name,
        jobs=jobs,
        variables=workflow.variables,
        auto_cancel=workflow.auto_cancel or pipeline.workflow.auto_cancel,
        errors=(*_wrong_name(pipeline, name if workflow.created else None), *errors),
    )
    return _without_jobs(pipeline, decision)


def _decide_workflow(
    pipeline: Pipeline, context: PipelineContext, predefined: Variables
) -> _Workflow:
    rules = pipeline.workflow.rules
    skipped = skip_reason(context)
    if skipped:
        return _Workflow(False, skipped)
    if not rules:
        return _Workflow(True, "no workflow:rules")
    view = workflow_view(pipeline, context, predefined)
    for position, rule in enumerate(rules, start=1):
        try:
            if not rule_matches(rule, view):
                continue
        except RuleError as problem:
            return _Workflow(False, f"workflow rule {position}: {problem}")
        words = f"workflow rule {position}{_shown(rule)}"
        if rule.when is When.NEVER:
            return _Workflow(False, f"{words} says never")
        return _Workflow(True, f"{words} matches", rule.variables, rule.auto_cancel)
    return _Workflow(False, "no rule of workflow:rules matches")


def _name(
    pipeline: Pipeline, context: PipelineContext, workflow: _Workflow, predefined: Variables
) -> str | None:
    """Expand `workflow:name`. Unlike GitLab, without masked variables: everyone reads it."""
    if pipeline.workflow.name is None:
        return None
    known = workflow_variables(pipeline, context, predefined, workflow.variables)
    values = expand_in_rules(Variables(variable for variable in known if not variable.masked))
    return expand_or_drop(pipeline.workflow.name, values).strip() or None


def _wrong_name(pipeline: Pipeline, name: str | None) -> tuple[Diagnostic, ...]:
    """Refuse a name that its variables have made too long."""
    if name is None or len(name) <= MAX_NAME:
        return ()
    problem = f"Name is too long (maximum is {MAX_NAME} characters)"
    file = SourceLocation(file=next(iter(pipeline.included_files), ".gitlab-ci.yml"))
    return (error("workflow-name", f"Failed to build pipeline metadata! {problem}", file),)


def _decide_job(
    job: Job,
    pipeline: Pipeline,
    context: PipelineContext,
    workflow: Variables,
    predefined: Variables,
) -> JobDecision:
    if job.rules:
        view = job_view(job, pipeline, context, workflow, predefined)
        return _decide_by_rules(job, view)
    plain = _default(job, reason=_PASSED[job.only is not None, job.excluding is not None])
    defaulted = job.rules is None and not pipeline.workflow.rules
    if defaulted or job.only or job.excluding:
        view = job_view(job, pipeline, context, workflow, predefined)
        refusal = refuses(job, context, view, defaulted=defaulted)
        if refusal:
            return replace(plain, present=False, reason=refusal.reason)
    return plain


def _default(job: Job, reason: str) -> JobDecision:
    return JobDecision(
        job=job.name,
        present=True,
        when=job.when,
        allow_failure=job.allow_failure,
        start_in=job.start_in,
        interruptible=job.interruptible,
        reason=reason,
    )


def _decide_by_rules(job: Job, view: RuleView) -> JobDecision:
    for position, rule in enumerate(job.rules or ()):
        try:
            if rule_matches(rule, view):
                return _apply(job, rule, position)
        except RuleError as problem:
            return _broken(job, position, problem)
    reason = "no rule matches"
    return JobDecision(job=job.name, present=False, when=When.NEVER, reason=reason)


def _broken(job: Job, position: int, problem: RuleError) -> JobDecision:
    message = f"Failed to parse rule for {job.name}: {problem}"
    return JobDecision(
        job=job.name,
        present=False,
        when=When.NEVER,
        rule=position,
        reason=f"rule {position + 1}: {problem}",
        errors=(error("rules-broken", message, job.location),),
    )


def _apply(job: Job, rule: Rule, position: int) -> JobDecision:
    when = rule.when or job.when
    words = f"rule {position + 1}{_shown(rule)}"
    if when is When.NEVER:
        reason = f"{words} says never"
        return JobDecision(
            job=job.name, present=False, when=When.NEVER, rule=position, reason=reason
        )
    return JobDecision(
        job=job.name,
        present=True,
        when=when,
        allow_failure=_allow_failure(job, rule),
        start_in=rule.start_in if rule.start_in is not None else job.start_in,
        variables=rule.variables,
        needs=rule.needs or None,  # an empty list keeps the job's needs, as in GitLab
        rule=position,
        reason=f"{words} matches",
        interruptible=job.interruptible if rule.interruptible is None else rule.interruptible,
    )


def _allow_failure(job: Job, rule: Rule) -> AllowFailure:
    return job.allow_failure if rule.allow_failure is None else rule.allow_failure


def _shown(rule: Rule) -> str:
    """Name what a rule looks at: its condition, and that it looks at files."""
    looks = (rule.condition, rule.changes and "changes", rule.exists and "exists")
    shown = ", ".join(str(one) for one in looks if one)
    return f" ({shown})" if shown else ""


def _check_needs(decisions: dict[str, JobDecision], job: Job) -> JobDecision:
    """Drop needs on absent jobs; a need of the job itself that is not optional is an error.

    As in GitLab, needs of the matching rule are never an error.
    """
    decision = decisions[job.name]
    needs = job.needs if decision.needs is None else decision.needs
    if not decision.present:
        return decision
    own = job.needs or ()
    absent = [need for need in own if not need.optional and not _present(decisions, need)]
    errors = [_missing(job, need.job) for need in absent]
    if len(own) > MAX_NEEDS:
        errors = [_too_many(job)]
    kept = None if needs is None else tuple(need for need in needs if _present(decisions, need))
    if kept == needs and not errors:
        return decision
    return replace(decision, needs=kept, errors=tuple(errors))


def _check_circle(pipeline: Pipeline, decisions: dict[str, JobDecision]) -> dict[str, JobDecision]:
    """Refuse needs of matching rules that make jobs wait for each other.

    Unlike GitLab, which creates such a pipeline, although its jobs never start.
    """
    names = needs_cycle(pipeline, decisions)
    if not names:
        return {}
    words = f"The pipeline has circular dependencies: {' -> '.join([*names, names[0]])}"
    first = decisions[names[0]]
    problem = error("needs-circular", words, pipeline.jobs[first.job].location)
    return {first.job: replace(first, errors=(*first.errors, problem))}


def _present(decisions: dict[str, JobDecision], need: Need) -> bool:
    return need.job in decisions and decisions[need.job].present


def _too_many(job: Job) -> Diagnostic:
    message = (
        f"{job.name}: one job can only need {MAX_NEEDS} others, but you have listed "
        f"{len(job.needs or ())}. See needs keyword documentation for more details"
    )
    return error("needs-too-many", message, job.location)


def _missing(job: Job, need: str) -> Diagnostic:
    message = (
        f"'{job.name}' job needs '{need}' job, but '{need}' does not exist in the pipeline. "
        "This might be because of the only, except, or rules keywords. "
        "To need a job that sometimes does not exist in the pipeline, use needs:optional."
    )
    return error("needs-absent-job", message, job.location)


def _without_jobs(pipeline: Pipeline, decision: PipelineDecision) -> PipelineDecision:
    if not decision.created or decision.errors:
        return decision
    stages = {
        pipeline.jobs[name].stage for name, decided in decision.jobs.items() if decided.present
    }
    if stages - set(EDGE_STAGES):
        return decision
    why = "only .pre and .post jobs are left" if stages else "the rules leave no jobs"
    return replace(decision, created=False, reason=why)

"""What `compile` found, for people: stages, jobs, and why each is in or out."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.cli.configuration.compiled import Compiled
from gitlab_ci_provider.cli.display.tables import columns, padded
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision, PipelineDecision, When


def lines(compiled: Compiled) -> Iterator[str]:
    """Yield the lines of the table."""
    pipeline, decision = compiled.result.pipeline, compiled.decision
    if pipeline is None or decision is None:
        return
    context = compiled.context
    yield f"{context.source} on {context.ref.kind} {context.ref.name}: {_verdict(decision)}"
    if decision.created and decision.name:
        yield f"name: {decision.name}"
    width = max((columns(name) for name in pipeline.jobs), default=0)
    for stage in pipeline.stages:
        names = [name for name, job in pipeline.jobs.items() if job.stage == stage]
        if names:
            yield f"\n{stage}"
        for name in names:
            yield _job_line(pipeline, decision, name, min(width, 50))


def _verdict(decision: PipelineDecision) -> str:
    if decision.errors:
        return "GitLab would refuse this pipeline"
    return (
        f"{'creates a pipeline' if decision.created else 'creates no pipeline'} ({decision.reason})"
    )


def _job_line(pipeline: Pipeline, decision: PipelineDecision, name: str, width: int) -> str:
    one = decision.jobs[name]
    if not decision.created and one.present:
        return f"  {'out':<10} {padded(name, width)}  no pipeline"
    state = state_of(one)
    more = "".join(f"; {words}" for words in (_failure(one), _after(pipeline, one, name)) if words)
    return f"  {state:<10} {padded(name, width)}  {one.reason}{more}".rstrip()


def state_of(one: JobDecision) -> str:
    """Say in a word whether a job is in the pipeline, and when it starts."""
    if not one.present:
        return "out"
    if one.when is When.DELAYED:
        return f"in {_duration(one.start_in or 0)}"
    return "in" if one.when is When.ON_SUCCESS else str(one.when)


def _duration(seconds: int) -> str:
    """Write seconds as `2h5m`."""
    parts = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"))
    written = [f"{number}{unit}" for number, unit in (*parts, (seconds % 60, "s")) if number]
    return "".join(written) or "0s"


def _failure(one: JobDecision) -> str:
    if not one.present:
        return ""
    if one.allow_failure.exit_codes:
        return f"may fail with {', '.join(map(str, one.allow_failure.exit_codes))}"
    if one.when is When.MANUAL:
        return "optional" if one.allow_failure.allowed else "the pipeline waits for it"
    return "may fail" if one.allow_failure.allowed else ""


def _after(pipeline: Pipeline, one: JobDecision, name: str) -> str:
    needs = pipeline.jobs[name].needs if one.needs is None else one.needs
    if not one.present or needs is None:
        return ""
    return f"needs {', '.join(need.job for need in needs) or 'nothing'}"

"""What `compile` found, for people: stages, jobs, and why each is in or out."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.cli.compiled import Compiled
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision, PipelineDecision, When


def lines(compiled: Compiled) -> Iterator[str]:
    """Give the lines of the table."""
    pipeline, decision = compiled.result.pipeline, compiled.decision
    if pipeline is None or decision is None:
        return
    context = compiled.context
    yield f"{context.source} on {context.ref.kind} {context.ref.name}: {_verdict(decision)}"
    width = max((len(name) for name in pipeline.jobs), default=0)
    for stage in pipeline.stages:
        names = [name for name, job in pipeline.jobs.items() if job.stage == stage]
        if names:
            yield f"\n{stage}"
        for name in names:
            yield _job_line(pipeline, decision, name, min(width, 50))


def _verdict(decision: PipelineDecision) -> str:
    if decision.errors:
        return "GitLab would refuse this pipeline"
    return f"{'a pipeline' if decision.created else 'no pipeline'} ({decision.reason})"


def _job_line(pipeline: Pipeline, decision: PipelineDecision, name: str, width: int) -> str:
    one = decision.jobs[name]
    state = _state(one) if decision.created else "out"
    after = _after(pipeline, one, name)
    return f"  {state:<10} {name:<{width}}  {one.reason}{after}".rstrip()


def _state(one: JobDecision) -> str:
    if not one.present:
        return "out"
    if one.when is When.DELAYED:
        return f"in {one.start_in} s"
    return "in" if one.when is When.ON_SUCCESS else str(one.when)


def _after(pipeline: Pipeline, one: JobDecision, name: str) -> str:
    needs = pipeline.jobs[name].needs if one.needs is None else one.needs
    if not one.present or needs is None:
        return ""
    return f"; needs {', '.join(need.job for need in needs) or 'nothing'}"

"""Runs only some jobs of a pipeline: those that were asked for, and what they depend on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision, When
from gitlab_ci_provider.schedule.order import predecessors, uses_needs


def select(
    pipeline: Pipeline, decisions: Mapping[str, JobDecision], wanted: Iterable[str]
) -> dict[str, JobDecision]:
    """Leave out every job that was not asked for.

    It keeps the wanted jobs, the jobs that they need, and the earlier jobs whose artifacts they
    download. A manual or delayed job that was asked for by name runs at once.

    Raises:
        ConfigError: a wanted job is not in the pipeline; the message lists those that are.
    """
    names = set(wanted)
    present = [name for name, decision in decisions.items() if decision.present]
    unknown = sorted(names - set(present))
    if unknown:
        message = f"no job '{', '.join(unknown)}' in this pipeline; it has {', '.join(present)}"
        raise ConfigError(message)
    kept = _with_foundations(pipeline, decisions, names)
    return {name: _decide(one, name in names, name in kept) for name, one in decisions.items()}


def _decide(decision: JobDecision, asked_for: bool, kept: bool) -> JobDecision:
    if not kept:
        return replace(decision, present=False, reason="not among the jobs that were asked for")
    if asked_for and decision.when in {When.MANUAL, When.DELAYED}:
        return replace(decision, when=When.ON_SUCCESS, reason="asked for by name")
    return decision


def _with_foundations(
    pipeline: Pipeline, decisions: Mapping[str, JobDecision], names: set[str]
) -> set[str]:
    kept: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name not in kept and decisions[name].present:
            kept.add(name)
            ahead += _foundations(name, pipeline, decisions)
    return kept


def _foundations(name: str, pipeline: Pipeline, decisions: Mapping[str, JobDecision]) -> list[str]:
    job = pipeline.jobs[name]
    before = predecessors(name, pipeline, decisions)
    if uses_needs(job, decisions[name]):
        return list(before)
    wanted = before if job.dependencies is None else job.dependencies
    return [other for other in before if other in wanted and pipeline.jobs[other].artifacts]

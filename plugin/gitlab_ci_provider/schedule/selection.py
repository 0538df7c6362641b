"""Runs only some jobs of a pipeline: those that were asked for, and what they depend on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision, When
from gitlab_ci_provider.schedule.order import predecessors, uses_needs


def select(
    pipeline: Pipeline,
    decisions: Mapping[str, JobDecision],
    wanted: Iterable[str],
    *,
    stages: Iterable[str] = (),
    alone: bool = False,
) -> dict[str, JobDecision]:
    """Leave out every job that was not asked for.

    It keeps the wanted jobs, the jobs that they need, and the earlier jobs whose artifacts they
    download. A manual or delayed job that was asked for by name runs at once.

    Args:
        pipeline: as it was compiled.
        decisions: of the rules.
        wanted: names of jobs.
        stages: names of stages whose jobs are wanted, too.
        alone: leave out what they need; a job then waits for none of it, and gets no artifacts.

    Raises:
        ConfigError: a wanted job or stage is not in the pipeline; the message lists those that are.
    """
    names = set(wanted)
    present = [name for name, decision in decisions.items() if decision.present]
    unknown = sorted(names - set(present))
    if unknown:
        message = f"no job '{', '.join(unknown)}' in this pipeline; it has {', '.join(present)}"
        raise ConfigError(message)
    meant = names | _of_stages(pipeline, decisions, tuple(stages))
    kept = meant if alone else _with_foundations(pipeline, decisions, meant)
    found = {name: _decide(one, name in names, name in kept) for name, one in decisions.items()}
    return {name: _apart(pipeline, one, kept) for name, one in found.items()} if alone else found


def _of_stages(
    pipeline: Pipeline, decisions: Mapping[str, JobDecision], stages: Sequence[str]
) -> set[str]:
    present = [name for name, decision in decisions.items() if decision.present]
    known = dict.fromkeys(pipeline.jobs[name].stage for name in present)
    if unknown := [stage for stage in stages if stage not in known]:
        message = f"no jobs of the stage '{', '.join(unknown)}' in this pipeline"
        raise ConfigError(f"{message}; it has {', '.join(known)}")
    return {name for name in present if pipeline.jobs[name].stage in stages}


def _apart(pipeline: Pipeline, decision: JobDecision, kept: set[str]) -> JobDecision:
    """Keep of a job's needs those that are in the pipeline."""
    needs = decision.needs if decision.needs is not None else pipeline.jobs[decision.job].needs
    if needs is None:
        return decision
    return replace(decision, needs=tuple(need for need in needs if need.job in kept))


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

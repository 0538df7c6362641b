"""Which job waits for which: decided here for the compiler, rules, the DAG, runs and tests.

A job waits for its needs; without any, for every job of the earlier stages. A rule may replace the
needs, and which rule matches is known only in a run. So there are two questions: for which jobs a
job could have to wait (`build_edges`, which the DAG has), and for which of them it does wait once
the rules have decided (`predecessors`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter

from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision

Graph = Mapping[str, Sequence[str]]


def uses_needs(job: Job, decision: JobDecision) -> bool:
    """Return whether `needs` orders the job (written in the job or in the rule that matched)."""
    return job.needs is not None or decision.needs is not None


def predecessors(
    name: str, pipeline: Pipeline, decisions: Mapping[str, JobDecision]
) -> tuple[str, ...]:
    """List the jobs whose end decides about a job, in the pipeline's order."""
    job = pipeline.jobs[name]
    if uses_needs(job, decisions[name]):
        return _needed(job, pipeline, decisions[name])
    earlier = set(pipeline.stages[: pipeline.stages.index(job.stage)])
    return tuple(other.name for other in pipeline.jobs.values() if other.stage in earlier)


def in_order(pipeline: Pipeline, decisions: Mapping[str, JobDecision]) -> list[str]:
    """Sort the jobs so that each comes after the jobs that it waits for."""
    stages: dict[str, list[str]] = {stage: [] for stage in pipeline.stages}
    for name, job in pipeline.jobs.items():
        stages[job.stage].append(name)
    needs = _chosen_needs(pipeline, decisions)
    return [name for names in stages.values() for name in _sorted(names, needs)]


def needs_cycle(pipeline: Pipeline, decisions: Mapping[str, JobDecision]) -> list[str]:
    """Return jobs of the pipeline that wait for each other; empty when there are none.

    Only needs of rules can do that: those of the jobs themselves are checked when they are read.
    """
    present = {name for name, decision in decisions.items() if decision.present}
    needs = {
        name: [needed for needed in names if needed in present]
        for name, names in _chosen_needs(pipeline, decisions).items()
        if name in present
    }
    return find_cycle(needs)


def build_edges(jobs: Mapping[str, Job], stages: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """List for each job the jobs that it could have to wait for.

    A job that `rules:needs` may connect otherwise has the jobs that any of its rules names, too.

    No edge replaces others: a job that the rules leave out ends at once, and a job with an edge to
    it alone would start before the jobs that should come first.

    Unlike GitLab, where only one rule of a job holds at a time, a graph has the needs of all rules.
    Jobs that these tie into a cycle have no edges among them; such a job waits on its own.
    """
    earlier = _earlier_jobs(jobs, stages)
    needs = {name: list(dict.fromkeys(_any_needs(job))) for name, job in jobs.items()}
    tied = _tied(needs)
    edges: dict[str, tuple[str, ...]] = {}
    for name, job in jobs.items():
        if job.needs is None and not needs[name]:
            edges[name] = earlier[job.stage]  # shared: thousands of jobs may have the same
            continue
        base = earlier[job.stage] if job.needs is None else ()
        edges[name] = tuple(
            other
            for other in dict.fromkeys([*base, *needs[name]])
            if other in jobs and not (name in tied and other in tied)
        )
    return edges


def find_cycle(edges: Graph) -> list[str]:
    """Return the jobs of one cycle, each before one that it waits for; empty when there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        waited_for_first: list[str] = error.args[1]
        return waited_for_first[:0:-1]
    return []


def _needed(job: Job, pipeline: Pipeline, decision: JobDecision) -> tuple[str, ...]:
    """List the jobs that the matching rule needs, or else the job itself."""
    needs = job.needs or () if decision.needs is None else decision.needs
    return tuple(need.job for need in needs if need.job in pipeline.jobs)


def _chosen_needs(
    pipeline: Pipeline, decisions: Mapping[str, JobDecision]
) -> dict[str, tuple[str, ...]]:
    """List the needs of each job; stage order leads back to earlier stages only."""
    return {name: _needed(job, pipeline, decisions[name]) for name, job in pipeline.jobs.items()}


def _sorted(names: Sequence[str], needs: Graph) -> Iterator[str]:
    """Sort jobs of one stage by their needs in it."""
    left = dict.fromkeys(names)
    for start in names:
        stack = [start] if start in left else []
        while stack:
            name = stack[-1]
            first = next((needed for needed in needs.get(name, ()) if needed in left), None)
            if first is None or first in stack:
                stack.pop()
                if name in left:
                    del left[name]
                    yield name
            else:
                stack.append(first)


def _any_needs(job: Job) -> Iterator[str]:
    """List the needs of a job and of its rules."""
    for needs in (job.needs, *(rule.needs for rule in job.rules or ())):
        yield from (need.job for need in needs or ())


def _tied(needs: Graph) -> set[str]:
    """List the jobs that needs tie into cycles, or between cycles.

    Stage order leads back to earlier stages only, so needs alone can do that.
    """
    needed_by: dict[str, list[str]] = {}
    for name, names in needs.items():
        for needed in names:
            needed_by.setdefault(needed, []).append(name)
    return set(needs) - _free(needs) - _free(needed_by)


def _free(graph: Graph) -> set[str]:
    """List the jobs that can be sorted behind the jobs that they point to."""
    sorter = TopologicalSorter(graph)
    with suppress(CycleError):  # it then sorts as many as it can
        sorter.prepare()
    found: set[str] = set()
    while ready := sorter.get_ready():
        found.update(ready)
        sorter.done(*ready)
    return found


def _earlier_jobs(jobs: Mapping[str, Job], stages: Sequence[str]) -> dict[str, tuple[str, ...]]:
    by_stage: dict[str, list[str]] = {stage: [] for stage in stages}
    for name, job in jobs.items():
        by_stage[job.stage].append(name)
    earlier: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ()
    for stage in stages:
        earlier[stage] = before
        before = (*before, *by_stage[stage])
    return earlier

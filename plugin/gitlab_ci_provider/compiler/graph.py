"""Which job waits for which: needs where they are written, else all jobs of earlier stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitlab_ci_provider.model.job import Job


def build_edges(jobs: Mapping[str, Job], stages: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """List for each job the jobs that must end before it can start.

    A job that `rules:needs` may connect otherwise waits for all jobs that any of its rules names.

    Unlike GitLab, where only one rule of a job holds at a time, a graph has the needs of all rules.
    One that would close a circle is left out.
    """
    earlier = _earlier_jobs(jobs, stages)
    edges: dict[str, tuple[str, ...]] = {}
    chosen: dict[str, list[str]] = {}
    for name, job in jobs.items():
        by_rules = [need.job for rule in job.rules or () for need in rule.needs or ()]
        if by_rules:
            chosen[name] = by_rules
        if job.needs is None:
            edges[name] = earlier[job.stage]  # shared: thousands of jobs may have the same
            continue
        needed = dict.fromkeys(need.job for need in job.needs)
        edges[name] = tuple(one for one in needed if one in jobs and one != name)
    return _with_chosen(edges, chosen)


def _with_chosen(
    edges: dict[str, tuple[str, ...]], chosen: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Add the edges that rules may choose; one by one where all of them make a circle."""
    joined = {name: _joined(name, edges, names) for name, names in chosen.items()}
    if not find_cycle({**edges, **joined}):
        return {**edges, **joined}
    for name, names in chosen.items():
        for one in names:
            more = {**edges, name: _joined(name, edges, [one])}
            edges = edges if find_cycle(more) else more
    return edges


def _joined(
    name: str, edges: Mapping[str, tuple[str, ...]], more: Sequence[str]
) -> tuple[str, ...]:
    known = dict.fromkeys([*edges[name], *(one for one in more if one in edges and one != name)])
    return tuple(known)


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


def find_cycle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """Give the jobs of one cycle; empty when there is none."""
    done: set[str] = set()
    for start in edges:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                on_path.discard(path.pop())
                done.add(name)
            elif name in on_path:
                return path[path.index(name) :]
            elif name not in done:
                path.append(name)
                on_path.add(name)
                stack.append((name, True))
                stack.extend((one, False) for one in edges.get(name, ()))
    return []

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
    chosen = _chosen(jobs)
    edges: dict[str, tuple[str, ...]] = {}
    for name, job in jobs.items():
        more = chosen.get(name, ())
        if job.needs is None and not more:
            edges[name] = earlier[job.stage]  # shared: thousands of jobs may have the same
            continue
        base = earlier[job.stage] if job.needs is None else [need.job for need in job.needs]
        needed = dict.fromkeys([*base, *more])
        edges[name] = tuple(one for one in needed if one in jobs and one != name)
    return edges


def _chosen(jobs: Mapping[str, Job]) -> dict[str, list[str]]:
    """List the jobs that rules may choose to wait for, but for those that would close a circle.

    Stage order leads back to earlier stages only, so needs alone can close one.
    """
    chosen: dict[str, list[str]] = {}
    for name, job in jobs.items():
        names = [need.job for rule in job.rules or () for need in rule.needs or ()]
        if names:
            chosen[name] = names
    if not chosen:
        return chosen
    needs = {name: [need.job for need in job.needs or ()] for name, job in jobs.items()}
    if not find_cycle({name: [*needs[name], *chosen.get(name, ())] for name in jobs}):
        return chosen
    return {name: _open(name, names, needs) for name, names in chosen.items()}


def _open(name: str, names: Sequence[str], needs: dict[str, list[str]]) -> list[str]:
    """Add the names that close no circle to what a job needs; give those that were added."""
    added: list[str] = []
    for one in names:
        needs[name].append(one)
        if find_cycle(needs):
            needs[name].pop()
        else:
            added.append(one)
    return added


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

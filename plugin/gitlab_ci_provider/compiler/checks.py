"""Checks between jobs, without which GitLab creates no pipeline.

Source: GitLab's `Gitlab::Ci::YamlProcessor`, whose words the messages use.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitlab_ci_provider.compiler.needs import MATRIX_VALUE
from gitlab_ci_provider.config.keywords.job import MAX_NAME
from gitlab_ci_provider.model.conf import MAX_JOB
from gitlab_ci_provider.model.diagnostic import Diagnostic, error, warning
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.schedule.order import find_cycle

RESERVED_STAGES = frozenset({".pipeline-policy-pre", ".pipeline-policy-post"})
"""Stages for policies of a GitLab instance; no file may use them."""


Meant = Callable[[str, Iterable[str]], str | None]
"""Words the hint that one of the known words may be meant."""


@dataclass(frozen=True, slots=True)
class _File:
    """What jobs may refer to."""

    jobs: Mapping[str, Job]
    positions: Mapping[str, int]
    meant: Meant

    def undefined(self, job: Job, code: str, problem: str, name: str) -> Diagnostic:
        """Say that a job names another one that does not exist."""
        names = (each for other in self.jobs.values() for each in (other.group, other.name))
        return _error(job, code, f"{job.name} job: {problem}", self.meant(name, names))

    def is_later(self, other: Job, job: Job) -> bool:
        """Return whether a job is in a stage after another's; a stage that does not exist is."""
        end = len(self.positions)
        return self.positions.get(other.stage, end) > self.positions.get(job.stage, end - 1)


def check_jobs(
    jobs: Mapping[str, Job], stages: Sequence[str], meant: Meant
) -> Iterator[Diagnostic]:
    """Check stages, needs, dependencies and environments of all jobs of the file."""
    file = _File(jobs, {stage: position for position, stage in enumerate(stages)}, meant)
    for job in jobs.values():
        if job.parallel and len(job.name) > MAX_NAME >= len(job.group):
            yield _long_name(job)
        if job.stage not in file.positions:
            yield _error(
                job,
                "stage-unknown",
                f"{job.name} job: chosen stage {job.stage} does not exist; "
                f"available stages are {', '.join(stages)}",
                meant(job.stage, stages),
            )
        elif job.stage in RESERVED_STAGES:
            words = f"chosen stage `{job.stage}` is reserved for Pipeline Execution Policies"
            yield _error(job, "stage-reserved", f"{job.name} job: {words}")
    yield from _check_needs(file)
    yield from _check_dependencies(file)
    yield from _check_environments(file)
    yield from _check_cycle(jobs)


def _long_name(job: Job) -> Diagnostic:
    """Say that the name of an instance is long, which GitLab's database refuses, not the file."""
    if len(job.name) > MAX_JOB:
        words = f"jobs:{job.name} name is too long (maximum is {MAX_JOB} characters)"
        return _error(job, "job-name", words)
    words = f"jobs:{job.name} name is too long for gitlab.com (maximum is {MAX_NAME} characters)"
    hint = "gitlab.com creates no pipeline with this job, and does not say why."
    return warning("job-name-long", words, job.location, hint)


def _error(job: Job, code: str, message: str, hint: str | None = None) -> Diagnostic:
    return error(code, message, job.location, hint)


def _all_needs(job: Job) -> Iterator[Sequence[Need]]:
    yield job.needs or ()
    for rule in job.rules or ():
        yield rule.needs or ()


def _check_needs(file: _File) -> Iterator[Diagnostic]:
    for job in file.jobs.values():
        for needs in _all_needs(job):
            yield from _check_need_list(job, needs, file)


def _check_need_list(job: Job, needs: Sequence[Need], file: _File) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for need in needs:
        if need.job in seen:
            twice[need.job] = None
        seen.add(need.job)
        problem = _need_problem(job, need, file)
        if problem:
            yield problem
    if twice:
        words = f"{job.name} has the following needs duplicated: {', '.join(twice)}."
        yield _error(job, "needs-duplicate", words)


def _need_problem(job: Job, need: Need, file: _File) -> Diagnostic | None:
    missing = MATRIX_VALUE.search(need.job)
    if missing:
        words = f"{job.group} job: '{missing[1]}' does not exist in matrix configuration"
        return _error(job, "needs-matrix-value", words)
    other = file.jobs.get(need.job)
    if other is None:
        words = f"undefined need: {need.job}"
        return None if need.optional else file.undefined(job, "needs-unknown-job", words, need.job)
    if len(need.job) > MAX_NAME:
        problem = f"name is too long (maximum is {MAX_NAME} characters)"
        return _error(job, "needs-long-name", f"{job.name} job: need `{need.job}` {problem}")
    if file.is_later(other, job):
        words = f"{job.name} job: need {need.job} is not defined in current or prior stages"
        return _error(job, "needs-later-stage", words)
    return None


def _check_dependencies(file: _File) -> Iterator[Diagnostic]:
    for job in file.jobs.values():
        for name in job.dependencies or ():
            yield from _check_dependency(job, name, file)
        yield from _check_against_needs(job, file.jobs)
        for include in job.bridge.includes if job.bridge else ():
            maker = include.get("job")  # its artifacts hold the configuration of a child pipeline
            if isinstance(maker, str):
                yield from _check_dependency(job, maker, file)


def _check_dependency(job: Job, name: str, file: _File) -> Iterator[Diagnostic]:
    if name not in file.jobs:
        words = f"undefined dependency: {name}"
        yield file.undefined(job, "dependencies-unknown-job", words, name)
    elif file.is_later(file.jobs[name], job):
        words = f"{job.name} job: dependency {name} is not defined in current or prior stages"
        yield _error(job, "dependencies-later-stage", words)


def _check_against_needs(job: Job, jobs: Mapping[str, Job]) -> Iterator[Diagnostic]:
    if not job.dependencies or not (job.needs or job.cross_needs):
        return
    if not job.needs:
        words = f"jobs:{job.group} needs corresponding to dependencies must be from the same"
        yield _error(job, "dependencies-not-needed", f"{words} pipeline")
        return
    needed = {need.job for need in job.needs}
    lacking = (name for name in job.dependencies if name not in needed)
    missing = dict.fromkeys(jobs[name].group if name in jobs else name for name in lacking)
    if missing:
        words = f"jobs:{job.group} dependencies the {', '.join(missing)} should be part of needs"
        yield _error(job, "dependencies-not-needed", words)


def _check_environments(file: _File) -> Iterator[Diagnostic]:
    for job in file.jobs.values():
        name = job.environment.on_stop if job.environment else None
        if job.environment is None or not name:
            continue
        stop = file.jobs.get(name)
        problem = None
        if stop is None:
            words = f"on_stop job {name} is not defined"
            yield file.undefined(job, "environment-on-stop", words, name)
        elif stop.environment is None:
            problem = "does not have environment defined"
        elif stop.environment.name != job.environment.name:
            problem = "have different environment name"
        elif stop.environment.action != "stop":
            problem = "needs to have action stop defined"
        if problem:
            words = f"{job.name} job: on_stop job {name} {problem}"
            yield _error(job, "environment-on-stop", words)


def _check_cycle(jobs: Mapping[str, Job]) -> Iterator[Diagnostic]:
    cycle = find_cycle(_edges(jobs, lambda job: job.needs or ()))
    if cycle:
        why = f"topological sort failed: {json.dumps(cycle)}"
        if len(cycle) == 1:
            why = f"self-dependency: {cycle[0]}"
        words = f"The pipeline has circular dependencies: {why}"
        yield _error(jobs[cycle[0]], "needs-circular", words)
        return
    cycle = find_cycle(
        _edges(jobs, lambda job: [need for needs in _all_needs(job) for need in needs])
    )
    if cycle:
        words = f"the needs of different rules form a cycle: {' -> '.join([*cycle, cycle[0]])}"
        hint = "A DAG cannot contain all of these edges: a job may start, then wait for another."
        yield warning("needs-circular-rules", words, jobs[cycle[0]].location, hint)


def _edges(jobs: Mapping[str, Job], needs: Callable[[Job], Sequence[Need]]) -> dict[str, list[str]]:
    return {
        name: [need.job for need in needs(job) if need.job in jobs] for name, job in jobs.items()
    }

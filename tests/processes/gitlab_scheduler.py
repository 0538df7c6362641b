"""GitLab's scheduling, told a second time: by brute force and on statuses of its own.

Written from the reference (statuses of all jobs, one round of processing after each event), not
from `gitlab_ci_provider.schedule`, so that the two can be held against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

ENDED = {"success", "failed", "canceled", "skipped"}

# The set of statuses that a composite may consist of, most specific first.
_ONLY = (
    ({"skipped", "ignored"}, "skipped"),
    ({"skipped", "ignored", "success", "warning"}, "success"),
    ({"ignored", "warning", "created"}, "created"),
    ({"skipped", "ignored", "success", "warning", "canceled"}, "canceled"),
    ({"skipped", "ignored", "warning", "created", "pending"}, "pending"),
)
_ANY = (
    ({"pending", "running"}, "running"),
    ({"manual"}, "manual"),
    ({"scheduled"}, "scheduled"),
    ({"created"}, "running"),
)
_USUAL = {True: {"success"}, False: {"success", "skipped"}}


@dataclass(frozen=True)
class PlainJob:
    """A job as the scheduler sees it; `needs` None means stage order."""

    name: str
    stage: int
    when: str
    allow_failure: bool
    needs: tuple[str, ...] | None
    outcome: str


def run(jobs: Iterable[PlainJob], choose: Callable[[list[str]], str]) -> dict[str, str]:
    """Run a pipeline to its end; `choose` picks which job something happens to next."""
    by_name = {job.name: job for job in jobs}
    statuses = dict.fromkeys(by_name, "created")
    while True:
        _process(by_name, statuses)
        waiting = [name for name in by_name if _can_move(by_name[name], statuses[name])]
        if not waiting:
            return statuses
        name = choose(waiting)
        statuses[name] = _next(statuses[name], by_name[name])


def _process(jobs: dict[str, PlainJob], statuses: dict[str, str]) -> None:
    """Look at every job again and again until nothing changes."""
    while True:
        before = dict(statuses)
        for name, job in jobs.items():
            if statuses[name] == "created":
                statuses[name] = _processed(job, jobs, statuses)
        if statuses == before:
            return


def _processed(job: PlainJob, jobs: dict[str, PlainJob], statuses: dict[str, str]) -> str:
    found = [(statuses[name], jobs[name].allow_failure) for name in waits_for(job, jobs)]
    status = _of_needs(found) if job.needs is not None else _of_all(found)
    if status not in ENDED:
        return "created"
    proceeds = {
        "on_failure": {"failed"},
        "always": {"success", "failed", "skipped"},
    }.get(job.when, _USUAL[job.needs is not None])
    if status not in proceeds:
        return "skipped"
    return {"manual": "manual", "delayed": "scheduled"}.get(job.when, "pending")


def waits_for(job: PlainJob, jobs: dict[str, PlainJob]) -> list[str]:
    """List the jobs that must have ended before it starts."""
    if job.needs is None:
        return [name for name, other in jobs.items() if other.stage < job.stage]
    return [name for name in job.needs if name in jobs]


def has_circle(jobs: Iterable[PlainJob]) -> bool:
    """Return whether jobs wait for each other: remove jobs that wait for nothing, repeatedly."""
    left = {job.name: job for job in jobs}
    while free := [name for name, job in left.items() if not waits_for(job, left)]:
        for name in free:
            del left[name]
    return bool(left)


def pipeline_status(jobs: Iterable[PlainJob], statuses: dict[str, str]) -> str:
    """Combine the statuses of all jobs."""
    return _of_all(
        [(statuses[job.name], job.allow_failure) for job in jobs if job.name in statuses]
    )


def _of_needs(found: list[tuple[str, bool]]) -> str:
    seen = {_seen(status, allowed) for status, allowed in found}
    if seen & {"skipped", "ignored"}:
        return "skipped"
    if seen - {"success", "failed", "canceled", "skipped", "warning"}:
        return "pending"
    return _of_all(found)


def _of_all(found: list[tuple[str, bool]]) -> str:
    seen = {_seen(status, allowed) for status, allowed in found}
    if not seen:
        return "success"
    exact = (status for members, status in _ONLY if seen <= members)
    partial = (status for members, status in _ANY if seen & members)
    return next(exact, None) or next(partial, "failed")


def _seen(status: str, allowed: bool) -> str:
    if allowed and status in {"failed", "canceled"}:
        return "warning"
    return "ignored" if allowed and status == "manual" else status


def _can_move(job: PlainJob, status: str) -> bool:
    """Return whether time, a runner or a person can change it; optional manual jobs aside."""
    if status == "manual":
        return not job.allow_failure
    return status in {"pending", "scheduled", "running"}


def _next(status: str, job: PlainJob) -> str:
    return {"manual": "pending", "scheduled": "pending", "pending": "running"}.get(
        status, job.outcome
    )

"""Whether a job starts, given how the jobs before it ended.

After GitLab's `Ci::ProcessBuildService`: the job's `when` names the composite statuses that let it
proceed; with any other it is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gitlab_ci_provider.model.listed import listed
from gitlab_ci_provider.model.rules import JobDecision, When
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.schedule.composite import Composite, composite


class Start(StrEnum):
    """What to do with a job whose turn has come."""

    RUN = "run"
    SKIP = "skip"
    ABSENT = "absent"
    MANUAL = "manual"
    """Optional: the pipeline goes on without it."""
    BLOCK = "block"
    """Manual and blocking: the pipeline waits for a person."""
    DELAY = "delay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer, and why in words for a person."""

    start: Start
    reason: str


_PROCEEDS: Mapping[When, frozenset[Composite]] = {
    When.ON_FAILURE: frozenset({Composite.FAILED}),
    When.ALWAYS: frozenset({Composite.SUCCESS, Composite.FAILED, Composite.SKIPPED}),
}
_WITH_NEEDS = frozenset({Composite.SUCCESS})
_IN_STAGE_ORDER = frozenset({Composite.SUCCESS, Composite.SKIPPED})


def verdict_on(
    decision: JobDecision, predecessors: Mapping[str, JobResult], *, needs: bool
) -> Verdict:
    """Return whether a job starts.

    Args:
        decision: what the rules decided for it.
        predecessors: by name, how the jobs that it waits for ended.
        needs: True when it names them in `needs`, False for stage order.
    """
    if not decision.present:
        return Verdict(start=Start.ABSENT, reason=decision.reason)
    status = composite(predecessors.values(), needs=needs)
    usual = _WITH_NEEDS if needs else _IN_STAGE_ORDER
    if status not in _PROCEEDS.get(decision.when, usual):
        return Verdict(start=Start.SKIP, reason=_why_skipped(decision, predecessors, status))
    return _proceed(decision)


def _proceed(decision: JobDecision) -> Verdict:
    if decision.when == When.MANUAL and decision.allow_failure.allowed:
        return Verdict(start=Start.MANUAL, reason="manual job, nobody has played it")
    if decision.when == When.MANUAL:
        return Verdict(start=Start.BLOCK, reason="manual job, the pipeline waits for it")
    if decision.when == When.DELAYED:
        return Verdict(start=Start.DELAY, reason=f"delayed by {decision.start_in or 0} s")
    return Verdict(start=Start.RUN, reason=decision.reason)


def _why_skipped(
    decision: JobDecision, predecessors: Mapping[str, JobResult], status: Composite
) -> str:
    culprits = {
        Composite.FAILED: _named(predecessors, {JobStatus.FAILED}),
        Composite.SKIPPED: _named(predecessors, {JobStatus.SKIPPED, JobStatus.MANUAL}),
        Composite.CANCELED: _named(predecessors, {JobStatus.CANCELED}),
    }
    if status == Composite.SUCCESS:
        return f"when: {decision.when}, and no earlier job failed"
    return f"when: {decision.when}, but {culprits[status]}"


def _named(predecessors: Mapping[str, JobResult], statuses: set[JobStatus]) -> str:
    together: dict[JobStatus, list[str]] = {}
    for name, result in predecessors.items():
        if result.status in statuses and not result.allowed_failure:
            together.setdefault(result.status, []).append(f"'{name}'")
    return ", ".join(f"{listed(names)} {_ended(end, names)}" for end, names in together.items())


def _ended(status: JobStatus, names: Sequence[str]) -> str:
    if status == JobStatus.FAILED:
        return "failed"
    several = len(names) > 1
    if status == JobStatus.MANUAL:
        return "are manual and were not played" if several else "is manual and was not played"
    return f"{'were' if several else 'was'} {status}"

"""The rows of a run's table, folded where the terminal is too low for all jobs.

Failed jobs stay in sight longest, then jobs that run; jobs that have ended or have yet to begin are
folded into one row per stage, with their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gitlab_ci_provider.local.follow.progress import JobProgress

_ORDER = (
    "failed",
    "running",
    "blocked",
    "delayed",
    "pending",
    "success",
    "manual",
    "skipped",
    "canceled",
    "created",
    "absent",
)
_LIVE = frozenset({"running", "blocked", "delayed"})
_OVER = frozenset({"success", "failed", "skipped", "manual", "canceled", "absent"})
_LEVELS = 5
_TIMED = frozenset({"success", "failed"})


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a job, or several with how many are in which state."""

    stage: str
    name: str
    status: str
    words: str
    time: str = ""


def rows(jobs: Sequence[JobProgress], room: int, now: datetime) -> list[Row]:
    """Make at most `room` rows, and fold as little as that takes."""
    shown: list[Row] = []
    for level in range(_LEVELS):
        shown = [row for stage in _stages(jobs) for row in _stage_rows(stage, level, now)]
        if len(shown) <= room:
            return shown
    room = max(room, 1)
    failed = [row for row in shown if row.status == "failed"]
    left = len(shown) - room + 1
    kept = (failed + [row for row in shown if row.status != "failed"])[: room - 1]
    return [*(row for row in shown if row in kept), Row("", f"{left} more rows", "created", "")]


def counts(jobs: Sequence[JobProgress]) -> str:
    """Count the jobs by state: `3 running, 12 success`."""
    found = Counter(job.status for job in jobs)
    return ", ".join(f"{found[status]} {status}" for status in _ORDER if found[status])


def done(jobs: Sequence[JobProgress]) -> tuple[int, int]:
    """Count the jobs that have ended, and all that are in the pipeline."""
    wanted = [job for job in jobs if job.status != "absent"]
    return sum(job.status in _OVER for job in wanted), len(wanted)


def duration(job: JobProgress, now: datetime) -> str:
    """Write how long a job took, or has been running."""
    if job.status in _TIMED and job.duration:
        return f"{job.duration:.1f} s" if job.duration < 60 else clock(job.duration)
    if job.status == "running" and job.started:
        begun = datetime.fromisoformat(job.started)
        begun = begun if begun.tzinfo else begun.replace(tzinfo=UTC)
        return clock(max(0.0, (now - begun).total_seconds()))
    return ""


def clock(seconds: float) -> str:
    """Write whole seconds as `7 s`, `1:07` or `1:00:07`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _stages(jobs: Sequence[JobProgress]) -> Iterator[list[JobProgress]]:
    names = dict.fromkeys(job.stage for job in jobs)
    for name in names:
        yield [job for job in jobs if job.stage == name]


def _stage_rows(jobs: Sequence[JobProgress], level: int, now: datetime) -> Iterator[Row]:
    folded = [job for job in jobs if _folds(job, jobs, level)]
    if len(folded) < 2:
        folded = []
    names = [job.stage for job in jobs[:1]]
    for job in jobs:
        if job not in folded:
            stage = names.pop() if names else ""
            yield Row(stage, job.name, job.status, job.status, duration(job, now))
    if folded:
        more = " more" if len(folded) < len(jobs) else ""
        first = next(status for status in _ORDER if any(job.status == status for job in folded))
        name = f"{len(folded)}{more} jobs"
        yield Row(names.pop() if names else "", name, first, counts(folded))


def _folds(job: JobProgress, stage: Sequence[JobProgress], level: int) -> bool:
    """Return whether a job is folded; each level folds what the one before it does, and more."""
    if job.status == "failed" or not level:
        return False
    if level == 4:
        return True
    if job.status in _LIVE:
        return False
    over = all(other.status in _OVER for other in stage)
    untouched = all(other.status in {"created", "absent", "skipped"} for other in stage)
    return over or (level >= 2 and untouched) or level >= 3

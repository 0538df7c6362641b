"""The rows of a run's table, folded where the terminal is too low for all jobs.

Failed jobs stay in sight longest, then jobs that run; jobs that have ended or have yet to begin are
folded into one row per stage, with their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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
_UNTOUCHED = frozenset({"created", "absent", "skipped"})
_OVER = frozenset({"success", "failed", "skipped", "manual", "canceled", "absent"})
_LEVELS = 4
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
    live = dict.fromkeys(job.name for job in jobs if job.status in _LIVE)

    def made(level: int, seen: Collection[str]) -> list[Row]:
        return [row for stage in _stages(jobs) for row in _stage_rows(stage, level, seen, now)]

    for level in range(_LEVELS):
        shown = made(level, live)
        if len(shown) <= room:
            return list(_each_stage_once(shown))
    shown = made(_LEVELS - 1, ())
    if len(shown) <= room:
        return list(_each_stage_once(made(_LEVELS - 1, list(live)[: room - len(shown)])))
    ranked = sorted(range(len(shown)), key=lambda place: _ORDER.index(shown[place].status))
    kept = [shown[place] for place in sorted(ranked[: max(room, 1) - 1])]
    return [*_each_stage_once(kept), Row("", f"{len(shown) - len(kept)} more rows", "created", "")]


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


def _stages(jobs: Sequence[JobProgress]) -> Iterable[list[JobProgress]]:
    stages: dict[str, list[JobProgress]] = {}
    for job in jobs:
        stages.setdefault(job.stage, []).append(job)
    return stages.values()


def _each_stage_once(shown: Sequence[Row]) -> Iterator[Row]:
    before = ""
    for row in shown:
        yield replace(row, stage="") if row.stage == before else row
        before = row.stage


def _stage_rows(
    jobs: Sequence[JobProgress], level: int, seen: Collection[str], now: datetime
) -> Iterator[Row]:
    folded = _folded(jobs, level, seen)
    hidden = {job.name for job in folded}
    for job in jobs:
        if job.name not in hidden:
            yield Row(job.stage, job.name, job.status, job.status, duration(job, now))
    if folded:
        more = " more" if len(folded) < len(jobs) else ""
        first = next(status for status in _ORDER if any(job.status == status for job in folded))
        yield Row(jobs[0].stage, f"{len(folded)}{more} jobs", first, counts(folded))


def _folded(stage: Sequence[JobProgress], level: int, seen: Collection[str]) -> list[JobProgress]:
    """Choose the jobs that share a row; each level folds what the one before it does, and more."""
    states = {job.status for job in stage}
    whole = states <= _OVER or (level == 2 and states <= _UNTOUCHED)
    if not level or (level < 3 and not whole):
        return []
    folded = [job for job in stage if job.status != "failed" and job.name not in seen]
    return folded if len(folded) > 1 else []

"""A pipeline schedule of GitLab: when which ref gets a pipeline. Its variables are not stored."""

from __future__ import annotations

from dataclasses import dataclass

MICROSECONDS = 1_000_000
"""A schedule's runs have its number as the microseconds of their date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSchedule:
    """An active schedule.

    Attributes:
        id: GitLab's number.
        ref: full name of a branch or tag, or a short one.
        cron_timezone: a name of the time zone database.
        since: when it was made, ISO 8601; it missed nothing before that.
    """

    id: int
    ref: str
    cron: str
    cron_timezone: str = "UTC"
    description: str = ""
    since: str = ""


def schedule_at(
    schedules: tuple[PipelineSchedule, ...], microsecond: int
) -> PipelineSchedule | None:
    """Find the schedule whose runs have these microseconds in their dates."""
    found = (one for one in schedules if one.id % MICROSECONDS == microsecond)
    return next(found, None)

"""GitLab's pipeline schedules of a project as the timetable of its DAG.

A DAG has one timetable, a project any number of schedules, each with its own time zone. Airflow has
one run for each logical date, so each schedule has dates of its own: the number of microseconds in
a date is the number of the schedule. `create_pipeline` reads it from there.

Unlike GitLab, whose schedules start when its worker looks for them (on gitlab.com every hour or
less often), a pipeline starts in the minute that cron names. Of what was missed, for example while
Airflow was down, the latest pipeline of each schedule is started, as GitLab does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from airflow.timetables.trigger import CronTriggerTimetable

from gitlab_ci_provider.model.pipeline_schedule import MICROSECONDS, PipelineSchedule, schedule_at
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.renderer.numbered import SCHEDULER, numbered_run_id

_SCHEDULED = "scheduled"
"""Airflow's word for the type of the runs of a timetable."""


class PipelineSchedulesTimetable(Timetable):
    """Starts the pipelines of several schedules.

    Args:
        schedules: active ones.
        project: path of the project.
    """

    description = "GitLab's pipeline schedules"

    def __init__(self, schedules: Sequence[PipelineSchedule], project: str = ""):
        self.project = project
        self.schedules = tuple(sorted(schedules, key=lambda schedule: schedule.id))

    @property
    def summary(self) -> str:
        """What Airflow shows as the DAG's schedule."""
        return ", ".join(
            f"{schedule.cron} ({schedule.cron_timezone})" for schedule in self.schedules
        )

    def validate(self) -> None:
        """Raise Airflow's exception if a cron expression is wrong."""
        for schedule in self.schedules:
            _cron(schedule).validate()

    def serialize(self) -> dict[str, Any]:
        """Describe it for Airflow's database: the same schedules always give the same."""
        return {
            "project": self.project,
            "schedules": [
                {
                    "id": schedule.id,
                    "ref": schedule.ref,
                    "cron": schedule.cron,
                    "cron_timezone": schedule.cron_timezone,
                    "since": schedule.since,
                }
                for schedule in self.schedules
            ],
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """Make one from its description; earlier versions of this package named no project."""
        schedules = convert(data["schedules"], tuple[PipelineSchedule, ...])
        return cls(schedules, data.get("project", ""))

    def generate_run_id(self, *, run_type: Any, **given: Any) -> str:
        """Name a run by its number, one of a schedule also by its ref."""
        if run_type == _SCHEDULED:
            schedule = schedule_at(self.schedules, given["run_after"].microsecond)
            named = SCHEDULER.run_id(self.project, schedule.ref) if schedule else ""
        else:
            named = numbered_run_id(self.project, run_type)
        return named or super().generate_run_id(run_type=run_type, **given)

    def infer_manual_data_interval(self, *, run_after: Any) -> DataInterval:
        """Return the interval of a run that a person starts: none."""
        return DataInterval.exact(run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Find the next date of all schedules."""
        last = last_automated_data_interval.end if last_automated_data_interval else None
        found = [self._next(schedule, last, restriction) for schedule in self.schedules]
        dates = [date for date in found if date is not None]
        return DagRunInfo.exact(min(dates)) if dates else None

    def _next(
        self, schedule: PipelineSchedule, last: Any, restriction: TimeRestriction
    ) -> Any | None:
        """Find the next date of one schedule.

        Before the first run of the DAG, and for a schedule that was changed since the last run,
        what is past was not missed.
        """
        own = timedelta(microseconds=schedule.id % MICROSECONDS)
        since = datetime.fromisoformat(schedule.since) if schedule.since else None
        begin = _now() if last is None else last - own
        if since is not None:
            begin = max(begin, since)
        found = _cron(schedule).next_dagrun_info(
            last_automated_data_interval=DataInterval.exact(pendulum.instance(begin)),
            restriction=TimeRestriction(restriction.earliest, restriction.latest, catchup=False),
        )
        return None if found is None else found.run_after + own


def _now() -> datetime:
    return datetime.now(UTC)


def _cron(schedule: PipelineSchedule) -> CronTriggerTimetable:
    return CronTriggerTimetable(schedule.cron, timezone=schedule.cron_timezone)

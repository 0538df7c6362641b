"""Pipeline schedules as a timetable: when the runs of each are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.timezone import coerce_datetime
from airflow.timetables import trigger
from airflow.timetables.base import DataInterval, TimeRestriction

from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule, schedule_at
from gitlab_ci_provider.renderer import timetable as module
from gitlab_ci_provider.renderer.timetable import PipelineSchedulesTimetable

NIGHTLY = PipelineSchedule(id=7, ref="main", cron="0 2 * * *", cron_timezone="Europe/Berlin")
OTHER = PipelineSchedule(id=9, ref="topic", cron="0 2 * * *", cron_timezone="Europe/Berlin")
HOURLY = PipelineSchedule(id=8, ref="main", cron="30 * * * *")
FREE = TimeRestriction(earliest=None, latest=None, catchup=False)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Set the time of this and Airflow's timetables."""
    now = [datetime(2026, 1, 10, 12, tzinfo=UTC)]
    monkeypatch.setattr(trigger, "utcnow", lambda: coerce_datetime(now[0]))
    monkeypatch.setattr(module, "_now", lambda: now[0])
    return now


def dates(table: PipelineSchedulesTimetable, count: int, last: datetime | None) -> list[datetime]:
    """Follow the timetable, as if each run was started when it was due."""
    found: list[datetime] = []
    for _ in range(count):
        interval = DataInterval.exact(coerce_datetime(last)) if last else None
        info = table.next_dagrun_info(last_automated_data_interval=interval, restriction=FREE)
        assert info is not None
        assert info.run_after == info.logical_date
        last = info.run_after
        found.append(datetime.fromtimestamp(last.timestamp(), UTC))
    return found


def test_a_schedule_has_its_own_time_zone(at: list[datetime]):
    """Two in the morning in Berlin, in winter; its number is in the microseconds."""
    assert dates(PipelineSchedulesTimetable([NIGHTLY]), 1, None) == [
        datetime(2026, 1, 11, 1, 0, 0, 7, tzinfo=UTC)
    ]


def test_schedules_of_the_same_minute_are_different_runs(at: list[datetime]):
    """Airflow has one run for each date: none takes the other's place."""
    found = dates(PipelineSchedulesTimetable([OTHER, NIGHTLY]), 4, at[0])

    assert [date.microsecond for date in found] == [7, 9, 7, 9]
    assert [date.day for date in found] == [11, 11, 12, 12]
    assert [schedule_at((NIGHTLY, OTHER), date.microsecond) for date in found[:2]] == [
        *(NIGHTLY, OTHER),
    ]


def test_of_what_was_missed_the_latest_is_run(at: list[datetime]):
    """Airflow was down for two days: each schedule runs once, then goes on."""
    last = datetime(2026, 1, 8, 12, 30, 0, 8, tzinfo=UTC)

    found = dates(PipelineSchedulesTimetable([NIGHTLY, HOURLY]), 3, last)

    assert found == [
        datetime(2026, 1, 10, 1, 0, 0, 7, tzinfo=UTC),
        datetime(2026, 1, 10, 11, 30, 0, 8, tzinfo=UTC),
        datetime(2026, 1, 10, 12, 30, 0, 8, tzinfo=UTC),
    ]


def test_a_new_project_has_missed_nothing(at: list[datetime]):
    """A thousand projects that appear at noon do not start last night's pipelines."""
    assert dates(PipelineSchedulesTimetable([NIGHTLY]), 1, None)[0] > at[0]


def test_a_new_schedule_has_missed_nothing(at: list[datetime]):
    """It was made at eleven; the project has had runs of others before."""
    new = PipelineSchedule(id=9, ref="main", cron="0 2 * * *", since="2026-01-10T11:00:00.000Z")
    last = at[0] - timedelta(days=1)

    assert dates(PipelineSchedulesTimetable([new]), 1, last) == [
        datetime(2026, 1, 11, 2, 0, 0, 9, tzinfo=UTC)
    ]


def test_the_same_schedules_are_the_same_for_airflow(at: list[datetime]):
    """In any order, and when they come back from the database."""
    table = PipelineSchedulesTimetable([NIGHTLY, OTHER])
    data = PipelineSchedulesTimetable([OTHER, NIGHTLY]).serialize()

    assert data == table.serialize()
    again = PipelineSchedulesTimetable.deserialize(data)
    assert again.serialize() == data
    assert "secret" not in str(data)
    assert again.summary == "0 2 * * * (Europe/Berlin), 0 2 * * * (Europe/Berlin)"

"""The IDs of runs that Airflow asks a timetable for."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.utils.types import DagRunType

from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule
from gitlab_ci_provider.renderer import numbered
from gitlab_ci_provider.renderer.numbered import Hurried, UnscheduledTimetable
from gitlab_ci_provider.renderer.timetable import PipelineSchedulesTimetable
from gitlab_ci_provider.settings import Settings
from processes.waiting import PATIENCE

NIGHTLY = PipelineSchedule(id=7, ref="main", cron="0 2 * * *")
TABLES = [UnscheduledTimetable("group/shop"), PipelineSchedulesTimetable([NIGHTLY], "group/shop")]


@pytest.fixture(params=TABLES, ids=lambda table: type(table).__name__)
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A timetable in a process that reaches the state."""
    monkeypatch.setattr(numbered, "load_settings", lambda: Settings(home=tmp_path))
    return request.param


def named(table: Any, run_type: DagRunType, microsecond: int = 0) -> str:
    """Have a run named as Airflow does."""
    at = datetime(2026, 1, 31, 12, microsecond=microsecond, tzinfo=UTC)
    return str(table.generate_run_id(run_type=run_type, run_after=at, data_interval=None))


def test_a_run_that_a_person_starts_has_the_number_of_its_pipeline(table: Any):
    """Each has another."""
    assert [named(table, DagRunType.MANUAL) for _ in range(2)] == ["1-manual", "2-manual"]


def test_a_run_of_a_schedule_has_its_number_and_ref(table: Any):
    """Airflow tells the date, whose microseconds are the number of the schedule."""
    known = {"PipelineSchedulesTimetable": "1-main"}
    assert named(table, DagRunType.SCHEDULED, NIGHTLY.id) == known.get(
        type(table).__name__, "scheduled__2026-01-31T12:00:00.000007+00:00"
    )


@pytest.mark.parametrize("kind", [DagRunType.SCHEDULED, DagRunType.BACKFILL_JOB])
def test_other_runs_keep_the_names_of_airflow(table: Any, kind: DagRunType):
    """Nothing is known of what they are for."""
    assert named(table, kind) == f"{kind}__2026-01-31T12:00:00+00:00"


def test_the_scheduler_waits_for_a_silent_state_once_a_minute(monkeypatch: pytest.MonkeyPatch):
    """Runs of all DAGs would wait with it; it asks again when the minute is over."""
    answered, now, asked = threading.Event(), [0.0], list[str]()

    def reserve(project: str, ref: str) -> str:
        asked.append(project)
        answered.wait()
        return f"{len(asked)}-{ref}"

    register = SimpleNamespace(reserve=reserve)
    monkeypatch.setattr(numbered, "load_settings", lambda: None)
    monkeypatch.setattr(
        numbered, "open_state_for_people", lambda _: SimpleNamespace(register=register)
    )
    scheduler = Hurried(clock=lambda: now[0])
    with monkeypatch.context() as short:
        short.setattr(numbered, "_PATIENCE", 0)
        assert [scheduler.run_id("group/shop", "main") for _ in range(3)] == ["", "", ""]
    answered.set()
    assert scheduler.run_id("group/shop", "main") == ""
    now[0] += 60
    monkeypatch.setattr(numbered, "_PATIENCE", PATIENCE)
    assert scheduler.run_id("group/shop", "main") == "2-main"


def test_without_the_state_a_run_has_the_name_of_airflow(
    table: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A run without a number is better than none."""
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(numbered, "load_settings", lambda: Settings(home=tmp_path / "file"))
    assert named(table, DagRunType.MANUAL) == "manual__2026-01-31T12:00:00+00:00"
    assert Hurried().run_id("group/shop", "main") == ""

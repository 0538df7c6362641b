"""The IDs of runs that Airflow asks a timetable for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.utils.types import DagRunType

from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule
from gitlab_ci_provider.renderer import numbered
from gitlab_ci_provider.renderer.numbered import UnscheduledTimetable
from gitlab_ci_provider.renderer.timetable import PipelineSchedulesTimetable
from gitlab_ci_provider.settings import Settings

NIGHTLY = PipelineSchedule(id=7, ref="main", cron="0 2 * * *")
TABLES = [UnscheduledTimetable("group/shop"), PipelineSchedulesTimetable([NIGHTLY], "group/shop")]


@pytest.fixture(params=TABLES, ids=lambda table: type(table).__name__)
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A timetable in a process that reaches the state."""
    monkeypatch.setattr(numbered, "load_settings", lambda: Settings(home=tmp_path))
    return request.param


def named(table: Any, run_type: DagRunType) -> str:
    """Have a run named as Airflow does."""
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    return str(table.generate_run_id(run_type=run_type, run_after=at, data_interval=None))


def test_a_run_that_a_person_starts_has_the_number_of_its_pipeline(table: Any):
    """Each has another."""
    assert [named(table, DagRunType.MANUAL) for _ in range(2)] == ["1-manual", "2-manual"]


@pytest.mark.parametrize("kind", [DagRunType.SCHEDULED, DagRunType.BACKFILL_JOB])
def test_runs_of_the_scheduler_keep_the_names_of_airflow(table: Any, kind: DagRunType):
    """It must never wait for the state."""
    assert named(table, kind) == f"{kind}__2026-01-31T12:00:00+00:00"


def test_without_the_state_a_run_has_the_name_of_airflow(
    table: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A run without a number is better than none."""
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(numbered, "load_settings", lambda: Settings(home=tmp_path / "file"))
    assert named(table, DagRunType.MANUAL) == "manual__2026-01-31T12:00:00+00:00"

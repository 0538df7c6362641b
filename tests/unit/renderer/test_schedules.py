"""The pipeline schedules of a project in its DAG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from factories import make_dag_record, make_job, make_pipeline
from gitlab_ci_provider.model.dag_record import DagKind
from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule
from gitlab_ci_provider.renderer.dag import render_dag
from gitlab_ci_provider.renderer.numbered import UnscheduledTimetable
from gitlab_ci_provider.renderer.timetable import PipelineSchedulesTimetable
from gitlab_ci_provider.settings import Settings

SCHEDULES = (
    PipelineSchedule(id=7, ref="main", cron="0 2 * * *", cron_timezone="Europe/Berlin"),
    PipelineSchedule(id=9, ref="main", cron="30 * * * *"),
)


def render(**given: Any) -> Any:
    record = make_dag_record(digest="d", schedules=SCHEDULES, **given)
    return render_dag(record, make_pipeline(make_job("test")), Settings(home=Path("x")))


def test_airflow_stores_the_timetable_and_reads_it_again():
    """The plugin makes it known; the same schedules give the same DAG."""
    stored = DagSerialization.to_dict(render())
    timetable = DagSerialization.from_dict(stored).timetable

    assert isinstance(timetable, PipelineSchedulesTimetable)
    assert [(one.id, one.cron, one.cron_timezone) for one in timetable.schedules] == [
        (7, "0 2 * * *", "Europe/Berlin"),
        (9, "30 * * * *", "UTC"),
    ]
    assert DagSerialization.to_dict(render()) == stored


@pytest.mark.parametrize("kind", [DagKind.REF, DagKind.CHILD])
def test_only_the_dag_of_the_project_is_scheduled(kind: DagKind):
    """A schedule for another ref continues in that ref's DAG, and starts nothing there itself."""
    assert not render(kind=kind).timetable.can_be_scheduled


def test_a_dag_without_schedules_names_the_runs_that_people_start():
    """Airflow stores its timetable, too, and starts nothing by it."""
    record = make_dag_record(digest="d")
    dag = render_dag(record, make_pipeline(make_job("test")), Settings(home=Path("x")))
    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable

    assert isinstance(timetable, UnscheduledTimetable)
    assert (timetable.project, timetable.can_be_scheduled) == (record.project.path, False)
    assert timetable.summary == "None"


def test_a_task_is_run_without_a_timetable():
    """It would be imported in each task's process, which nobody asks for dates."""
    record = make_dag_record(digest="d", schedules=SCHEDULES)
    pipeline = make_pipeline(make_job("test"))
    dag = render_dag(record, pipeline, Settings(home=Path("x")), running="test")

    assert not dag.timetable.can_be_scheduled

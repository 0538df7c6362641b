"""Makes the timetables of pipelines known to Airflow, which asks for them by their names.

Airflow loads plugins into every process, and most need no timetable.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from airflow.sdk.plugins_manager import AirflowPlugin


@cache
def _timetables() -> list[Any]:
    from gitlab_ci_provider.renderer.numbered import UnscheduledTimetable
    from gitlab_ci_provider.renderer.timetable import PipelineSchedulesTimetable

    return [PipelineSchedulesTimetable, UnscheduledTimetable]


class _MadeWhenAsked:
    """An attribute of a plugin that Airflow reads when a DAG has such a timetable."""

    def __get__(self, instance: object, owner: type) -> list[Any]:
        return _timetables()


class TimetablePlugin(AirflowPlugin):
    """Adds the timetables."""

    name = "gitlab_ci_timetables"
    timetables = _MadeWhenAsked()

"""Makes the timetables of pipelines known to Airflow, which asks for them by their names.

Airflow loads plugins into every process, and most need no timetable.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from airflow.sdk.plugins_manager import AirflowPlugin

from gitlab_ci_provider.plugins.when_asked import WhenAsked


@cache
def _timetables() -> list[Any]:
    from gitlab_ci_provider.renderer.numbered import UnscheduledTimetable
    from gitlab_ci_provider.renderer.timetable import PipelineSchedulesTimetable

    return [PipelineSchedulesTimetable, UnscheduledTimetable]


class TimetablePlugin(AirflowPlugin):
    """Adds the timetables."""

    name = "gitlab_ci_timetables"
    timetables = WhenAsked(_timetables)

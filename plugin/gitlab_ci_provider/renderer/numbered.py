"""IDs of runs that people start in Airflow's own UI: with the number that their pipeline will have.

Airflow asks a DAG's timetable for the ID of a run that its Trigger button, its REST API or
`airflow dags trigger` starts and does not name. It tells neither the DAG nor what was asked for, so
such an ID has no ref.

Runs of schedules keep Airflow's names: the scheduler would ask, inside its loop, and the register
of pipelines may be in an object store or a database elsewhere. While that is away, no run of any
DAG would start.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.timetables.base import DataInterval, Timetable

from gitlab_ci_provider.exceptions import SettingsError, StateError
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state_for_people

_BY_HAND = "manual"
"""Stands in the place of the ref, and is Airflow's word for the type of such a run."""

_log = logging.getLogger(__name__)


def numbered_run_id(project: str, run_type: str) -> str:
    """Reserve a number for a run that a person starts, and name the run by it.

    Args:
        project: its path.
        run_type: Airflow's; only `manual` runs get a number.

    Returns:
        The ID; empty for other runs, and when the state cannot be reached.
    """
    if run_type != _BY_HAND or not project:
        return ""
    try:
        state = open_state_for_people(load_settings())
        return state.register.reserve(project, _BY_HAND)
    except (SettingsError, StateError) as problem:
        _log.warning("the run gets a name without a number: %s", problem)
        return ""


class UnscheduledTimetable(Timetable):
    """Starts nothing by itself, as Airflow's own of a DAG without a schedule.

    Args:
        project: path of the project whose pipelines the runs are.
    """

    description = "Never, external triggers only"
    can_be_scheduled = False
    periodic = False
    run_ordering = ("logical_date",)

    def __init__(self, project: str):
        self.project = project

    @property
    def summary(self) -> str:
        """What Airflow shows as the DAG's schedule."""
        return "None"

    def infer_manual_data_interval(self, *, run_after: Any) -> DataInterval:
        """Return the interval of a run that a person starts: none."""
        return DataInterval.exact(run_after)

    def next_dagrun_info(self, **_: Any) -> None:
        """Find no date."""

    def serialize(self) -> dict[str, Any]:
        """Describe it for Airflow's database."""
        return {"project": self.project}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> UnscheduledTimetable:
        """Make one from its description."""
        return cls(data["project"])

    def generate_run_id(self, *, run_type: Any, **given: Any) -> str:
        """Name a run."""
        named = numbered_run_id(self.project, run_type)
        return named or super().generate_run_id(run_type=run_type, **given)

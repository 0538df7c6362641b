"""IDs of runs that Airflow starts and nobody names: with the number that their pipeline will have.

Airflow asks a DAG's timetable for them. Of a run that its Trigger button, its REST API or `airflow
dags trigger` starts, it tells neither the DAG nor what was asked for, so such an ID has no ref.

For the runs of schedules the scheduler asks, inside its loop, and the register of pipelines may be
in an object store elsewhere. While that is away, no run of any DAG may wait for it: such runs keep
Airflow's names.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from airflow.timetables.base import DataInterval, Timetable

from gitlab_ci_provider.exceptions import SettingsError, StateError
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state_for_people

_BY_HAND = "manual"
"""Stands in the place of the ref, and is Airflow's word for the type of such a run."""

_PATIENCE, _PAUSE = 2.0, 60.0
"""Seconds that the scheduler waits for the state, and for which it then leaves it alone."""

_log = logging.getLogger(__name__)


def numbered_run_id(project: str, run_type: str) -> str:
    """Reserve a number for a run that a person starts, and name the run by it.

    Args:
        project: its path.
        run_type: Airflow's; only `manual` runs get a number.

    Returns:
        The ID; empty for other runs, and when the state cannot be reached.
    """
    return _reserved(project, _BY_HAND) if run_type == _BY_HAND and project else ""


def _reserved(project: str, ref: str) -> str:
    try:
        return open_state_for_people(load_settings()).register.reserve(project, ref)
    except (SettingsError, StateError) as problem:
        _log.warning("the run gets a name without a number: %s", problem)
        return ""


class Hurried:
    """Names runs for the scheduler, which must not wait.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._away_until = 0.0

    def run_id(self, project: str, ref: str) -> str:
        """Reserve a number for a run of a ref and name it; empty when that does not happen soon."""
        if not project or self._clock() < self._away_until:
            return ""
        answer = SimpleQueue[str]()
        ask = threading.Thread(target=lambda: answer.put(_reserved(project, ref)), daemon=True)
        ask.start()
        try:
            named = answer.get(timeout=_PATIENCE)
        except Empty:
            named = ""
            _log.warning("the state does not answer: runs of schedules get names without a number")
        self._away_until = 0.0 if named else self._clock() + _PAUSE
        return named


SCHEDULER = Hurried()


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

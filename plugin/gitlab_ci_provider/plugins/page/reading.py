"""Reads what the pipeline page shows of a run: Airflow's database, and the state."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from gitlab_ci_provider.airflow_internals.run_rows import (
    RunRow,
    TaskRow,
    XComs,
    read_run,
    read_run_xcoms,
    read_task_rows,
    xcom_stamp,
)
from gitlab_ci_provider.exceptions import GitlabCiError, StateError
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE, STAGE_END
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.run_address import page_path
from gitlab_ci_provider.model.serialization import convert, digest
from gitlab_ci_provider.plugins.page.jobs import RunJobs, stage_views
from gitlab_ci_provider.plugins.page.pipeline import pipeline_view
from gitlab_ci_provider.plugins.page.view import PipelineView
from gitlab_ci_provider.schedule.pipeline_result import is_current
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.state import open_state

_SMALL = (
    xcom_keys.PIN,
    xcom_keys.JOB_RESULT,
    xcom_keys.FOLLOWED,
    xcom_keys.PIPELINE_RESULT,
    xcom_keys.MOVED_TO,
    xcom_keys.PROBLEM,
    xcom_keys.DOWNSTREAM_LINK,
)
"""All but the whole record of the pipeline, which the state has, too."""

_KEPT = 64
"""Compiled pipelines and records that are kept in memory; they never change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAtOnce:
    """The rows of a run at one moment, and a name for that moment."""

    run: RunRow
    tasks: Mapping[str, TaskRow]
    version: str


def look(session: Any, dag_id: str, run_id: str, reader: str = "") -> RunAtOnce | None:
    """Look at a run, cheaply: the version changes with everything that the page shows of it.

    Args:
        session: of Airflow's database.
        dag_id: of the run.
        run_id: of the run.
        reader: what else the page depends on.
    """
    run = read_run(session, dag_id, run_id)
    if run is None:
        return None
    tasks = read_task_rows(session, run)
    seen = repr((run, sorted(tasks.items()), xcom_stamp(session, run), reader))
    return RunAtOnce(run=run, tasks=tasks, version=digest(seen.encode())[:32])


def read_pipeline(session: Any, seen: RunAtOnce, may: Mapping[str, bool]) -> PipelineView:
    """Read the page of a run."""
    xcoms = read_run_xcoms(session, seen.run, _SMALL)
    record, problem = read_record(session, seen.run, xcoms), ""
    try:
        pipeline = read_pipeline_of(seen.run, record)
    except (GitlabCiError, OSError) as missing:
        pipeline, problem = None, f"The jobs of this pipeline cannot be shown: {missing}"
    stages = () if pipeline is None else stage_views(_jobs(pipeline, record, seen, xcoms))
    return pipeline_view(
        seen.run,
        record,
        _end(seen, xcoms),
        stages,
        problem=problem or str(xcoms.get(xcom_keys.PROBLEM, {}).get(CREATE_PIPELINE) or ""),
        ends=tuple(task.task_id for task in seen.tasks.values() if task.operator == STAGE_END),
        moved_to=_moved(_said(xcoms, xcom_keys.MOVED_TO, CREATE_PIPELINE)),
        may=may,
    )


def _end(seen: RunAtOnce, xcoms: XComs) -> Mapping[str, Any]:
    end = _said(xcoms, xcom_keys.PIPELINE_RESULT, FINISH_PIPELINE)
    task = seen.tasks.get(FINISH_PIPELINE)
    return end if task and is_current(task.state, end) else {}


def _jobs(pipeline: Pipeline, record: PipelineRun | None, seen: RunAtOnce, xcoms: XComs) -> RunJobs:
    decisions = record.decisions if record else {}
    return RunJobs(pipeline=pipeline, decisions=decisions, tasks=seen.tasks, xcoms=xcoms)


def read_record(session: Any, run: RunRow, xcoms: XComs) -> PipelineRun | None:
    """Read the record of the pipeline; None when `create_pipeline` has not made it."""
    pin = xcoms.get(xcom_keys.PIN, {}).get(CREATE_PIPELINE)
    if not pin:
        return None
    with suppress(GitlabCiError, OSError):
        return _pinned(str(pin))
    whole = read_run_xcoms(session, run, [xcom_keys.PIPELINE])
    value = whole.get(xcom_keys.PIPELINE, {}).get(CREATE_PIPELINE)
    try:
        return None if value is None else convert(value, PipelineRun)
    except msgspec.ValidationError:
        return None


def read_pipeline_of(run: RunRow, record: PipelineRun | None) -> Pipeline:
    """Read the compiled pipeline of a run, or what its DAG shows before the run has one.

    Raises:
        StateError: it cannot be read.
    """
    return _compiled(record.digest if record else _snapshots().load_dag(run.dag_id).digest)


@lru_cache(maxsize=_KEPT)
def _pinned(pin: str) -> PipelineRun:
    found = _snapshots().load_run(pin)
    if found is None:
        raise StateError(f"the record {pin} was removed")
    return found


@lru_cache(maxsize=_KEPT)
def _compiled(name: str) -> Pipeline:
    return _snapshots().load_pipeline(name)


def _snapshots() -> SnapshotStore:
    return open_state(load_settings()).snapshots


def _said(xcoms: XComs, key: str, task: str) -> Mapping[str, Any]:
    value = xcoms.get(key, {}).get(task)
    return value if isinstance(value, Mapping) else {}


def _moved(place: Mapping[str, Any]) -> str:
    return page_path(str(place["dag"]), str(place["run"])) if {"dag", "run"} <= set(place) else ""

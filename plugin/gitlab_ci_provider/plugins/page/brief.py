"""Pipelines in a line each, for lists of them: read with a fixed number of queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gitlab_ci_provider.airflow_internals.many_runs import read_xcoms_of, task_states_of
from gitlab_ci_provider.airflow_internals.run_rows import RunRow, XComs
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.about import About
from gitlab_ci_provider.model.airflow_states import AWAITING_INPUT, RUN_ENDED, unfinished_status
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.plugins.page.jobs import iso
from gitlab_ci_provider.plugins.page.pipeline import BLOCKED, run_status
from gitlab_ci_provider.schedule.pipeline_result import is_current

_KEYS = (xcom_keys.ABOUT, xcom_keys.PIPELINE_RESULT, xcom_keys.MOVED_TO, xcom_keys.PROBLEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefView:
    """A pipeline in a list.

    Attributes:
        status: as on its page.
        about: None until it has been created, or when it could not be.
        text: how it ended, or why there is none.
        moved: its jobs fit another DAG, in which it continues.
    """

    dag: str
    run: str
    status: str
    about: About | None = None
    user: str = ""
    created: str = ""
    started: str = ""
    ended: str = ""
    text: str = ""
    moved: bool = False


def read_briefs(session: Any, runs: Collection[RunRow]) -> list[BriefView]:
    """Show runs, in their order."""
    xcoms = read_xcoms_of(session, runs, _KEYS, (CREATE_PIPELINE, FINISH_PIPELINE))
    under_way = [run for run in runs if run.state not in RUN_ENDED]
    failed = [run for run in runs if run.state == "failed"]
    finish = task_states_of(session, failed, [FINISH_PIPELINE])
    states = {**task_states_of(session, under_way), **finish}
    return [
        brief_view(run, xcoms.get(run.number, {}), states.get((run.dag_id, run.run_id), ()))
        for run in runs
    ]


def brief_view(run: RunRow, xcoms: XComs, states: Collection[str]) -> BriefView:
    """Show a run.

    Args:
        run: as Airflow knows it.
        xcoms: of the tasks that begin and end a pipeline.
        states: of its tasks while it is under way, of its last one when it has failed.
    """
    known, end = _about(xcoms), xcoms.get(xcom_keys.PIPELINE_RESULT, {}).get(FINISH_PIPELINE)
    said: Mapping[str, Any] = end if isinstance(end, Mapping) else {}
    if run.state == "failed" and not is_current(next(iter(states), None), said):
        said = {}
    problem = xcoms.get(xcom_keys.PROBLEM, {}).get(CREATE_PIPELINE)
    ended = run.state in RUN_ENDED
    jobs = [BLOCKED if state == AWAITING_INPUT else unfinished_status(state) for state in states]
    return BriefView(
        dag=run.dag_id,
        run=run.run_id,
        status=run_status(run, said, jobs),
        about=known,
        user=known.user if known else run.user,
        created=iso(run.queued),
        started=iso(run.started),
        ended=iso(run.ended) if ended else "",
        text=str(problem or said.get("text") or run.note) if ended else "",
        moved=bool(xcoms.get(xcom_keys.MOVED_TO)),
    )


def _about(xcoms: XComs) -> About | None:
    said = xcoms.get(xcom_keys.ABOUT, {}).get(CREATE_PIPELINE)
    try:
        return None if said is None else convert(said, About)
    except msgspec.ValidationError:
        return None

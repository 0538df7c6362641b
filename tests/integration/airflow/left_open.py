"""Leaves things open in an Airflow database as a crash does, and prints what cleaning makes of it.

A program of its own: Airflow reads its configuration when it is imported.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from airflow._shared.timezones.timezone import utcnow
from airflow.jobs.job import Job
from airflow.models.dagrun import DagRun  # noqa: TID251 - the database is what is tested
from airflow.models.errors import ParseImportError  # noqa: TID251
from airflow.models.hitl import HITLDetail  # noqa: TID251
from airflow.models.taskinstance import TaskInstance  # noqa: TID251
from airflow.utils.db import check_migrations
from airflow.utils.session import create_session
from sqlalchemy import insert, select
from uuid6 import uuid7

from gitlab_ci_provider.local.airflow import database
from gitlab_ci_provider.local.home import Home

RUNS = {
    "dead": {
        "ended": "success",
        "ran": "running",
        "waited": "deferred",
        "asked": "awaiting_input",
        "never": None,
    },
    "waiting": {"ended": "success", "asked": "awaiting_input", "never": None},
}


def leave_open() -> None:
    """Fill the tables as if a stack had died."""
    with create_session() as session:
        session.add(ParseImportError(filename="x.py", bundle_name="dags-folder", stacktrace="!"))
        job = {"state": "running", "job_type": "SchedulerJob", "latest_heartbeat": utcnow()}
        session.execute(insert(Job).values(**job))
        for name, tasks in RUNS.items():
            session.add(DagRun(dag_id="dag", run_id=name, run_type="manual", state="running"))
            session.flush()
            for task, state in tasks.items():
                _add_task(session, name, task, state)


def _add_task(session: object, run: str, task: str, state: str | None) -> None:
    key = uuid7()
    values = {
        "id": key, "dag_id": "dag", "task_id": task, "run_id": run, "map_index": -1, "state": state,
        "try_number": 1, "max_tries": 0, "pool": "default_pool", "pool_slots": 1,
        "operator": "x", "executor_config": {},
    }  # fmt: skip
    session.execute(insert(TaskInstance).values(**values))  # type: ignore[attr-defined]
    if state == "awaiting_input":
        question = {
            "ti_id": key,
            "options": ["ok"],
            "subject": run,
            "params": {},
            "params_input": {},
        }
        session.execute(insert(HITLDetail).values(**question))  # type: ignore[attr-defined]


def found() -> dict[str, object]:
    """Describe what is there."""
    with create_session() as session:
        runs = session.scalars(select(DagRun)).all()
        return {
            "runs": {run.run_id: run.state for run in runs},
            "notes": {run.run_id: run.note for run in runs},
            "tasks": {run.run_id: {t.task_id: t.state for t in run.task_instances} for run in runs},
            "questions": list(session.scalars(select(HITLDetail.subject))),
            "errors": len(session.scalars(select(ParseImportError)).all()),
            "jobs": list(session.scalars(select(Job.state))),
        }


def main() -> None:
    """Make, leave open, start again, tell."""
    home = Home(Path(sys.argv[1]))
    database.prepare(home)
    check_migrations(0)
    leave_open()
    database.prepare(home)
    sys.stdout.write(f"\n{json.dumps({**found(), 'migrated': True})}\n")


if __name__ == "__main__":
    main()

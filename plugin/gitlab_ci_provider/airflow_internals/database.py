"""Airflow's tables, read and written where the database is: in the scheduler, or with Airflow down.

Listeners run in the scheduler and get its session; the embedded stack cleans the database before
Airflow starts. A task must not import this module: it has no access to the database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.airflow_internals.run_rows import decoded
from gitlab_ci_provider.model.airflow_states import AWAITING_INPUT, ENDED
from gitlab_ci_provider.model.names import FINISH_PIPELINE

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import Session

OPEN_RUNS = ("queued", "running")
"""States of runs that have not ended."""

_JOBS = frozenset({"GitlabJobOperator", "GitlabBridgeOperator"})
"""Operators of jobs that can be manual."""

_NOTED = ("failed", "skipped")
"""States of tasks that a note explains."""


def open_session() -> AbstractContextManager[Session]:
    """Open a session that is committed at its end."""
    from airflow.utils.session import create_session

    session: AbstractContextManager[Session] = create_session()
    return session


def session_of(dag_run: Any) -> Session | None:
    """Return the session that a run, as listeners get it, was read in."""
    from sqlalchemy.orm import object_session

    return object_session(dag_run)


def make_tables() -> None:
    """Make or migrate Airflow's tables."""
    from airflow.utils.db import upgradedb

    upgradedb()


def read_xcoms(
    session: Any, dag_run: Any, key: str, tasks: Collection[str] | None = None
) -> dict[str, Any]:
    """Read one XCom of each of some tasks of a run, or of all; tasks without it are missing."""
    from airflow.models.xcom import XComModel

    query = XComModel.get_many(
        run_id=dag_run.run_id,
        dag_ids=dag_run.dag_id,
        task_ids=None if tasks is None else list(tasks),
        key=key,
    )
    rows = session.execute(query.with_only_columns(XComModel.task_id, XComModel.value))
    return {task: decoded(value) for task, value in rows}


def read_xcom(session: Any, dag_run: Any, key: str, task: str) -> Any:
    """Read one XCom of a task; None when there is none."""
    return read_xcoms(session, dag_run, key, [task]).get(task)


def read_tasks(session: Any, dag_run: Any) -> dict[str, Any]:
    """Read `state` and `queued_dttm` of the tasks of a run, by task ID."""
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import select

    columns = (TaskInstance.task_id, TaskInstance.state, TaskInstance.queued_dttm)
    query = select(*columns).where(
        TaskInstance.dag_id == dag_run.dag_id, TaskInstance.run_id == dag_run.run_id
    )
    return {row.task_id: row for row in session.execute(query)}


def noted_tasks(session: Any, dag_run: Any, absent: Collection[str]) -> list[Any]:
    """Find the tasks of a run that have a note, failed, were skipped, or are among the absent.

    Each has `task_id`, `state`, and `note`, which can be set.
    """
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import or_, select
    from sqlalchemy.orm import joinedload

    note = TaskInstance.task_instance_note
    of_run = (
        select(TaskInstance)
        .where(TaskInstance.dag_id == dag_run.dag_id, TaskInstance.run_id == dag_run.run_id)
        .where(or_(TaskInstance.state.in_(_NOTED), TaskInstance.task_id.in_(absent), note.has()))
        .options(joinedload(note))
    )
    return list(session.scalars(of_run))


def tasks_without_pool(session: Any, dag_run: Any) -> list[Any]:
    """Find the tasks of a run whose pool does not exist, so that Airflow never starts them.

    Each has `task_id`, `pool`, and `note`, which can be set.
    """
    from airflow.models.pool import Pool
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import select

    of_run = (
        select(TaskInstance)
        .where(TaskInstance.dag_id == dag_run.dag_id, TaskInstance.run_id == dag_run.run_id)
        .where(TaskInstance.pool.not_in(select(Pool.pool)))
        .order_by(TaskInstance.task_id)
    )
    return list(session.scalars(of_run))


def play(dag: str, run: str, task: str) -> bool:
    """Clear the task of a manual job that nobody has played, and the end of its run.

    As `clearTaskInstances` of the API does for a person; False when the task is no such one.
    """
    from airflow.models.taskinstance import TaskInstance, clear_task_instances
    from sqlalchemy import select

    wanted = TaskInstance.task_id.in_((task, FINISH_PIPELINE))
    query = select(TaskInstance).where(TaskInstance.dag_id == dag, TaskInstance.run_id == run)
    with open_session() as session:
        found = {each.task_id: each for each in session.scalars(query.where(wanted))}
        job, finish = found.get(task), found.get(FINISH_PIPELINE)
        if job is None or job.state != "skipped" or job.operator not in _JOBS:
            return False
        ends = [finish] if finish is not None and finish.state in ENDED else []
        clear_task_instances([job, *ends], session)
    return True


def drop_note(task: Any) -> None:
    """Delete the note of a task."""
    task.task_instance_note = None


def written_state(session: Any, dag_run: Any) -> Any:
    """Read a run's state from the database, and keep others from changing it.

    The row is written to before it is read: SQLite then locks its database, other databases the
    row, until the session's transaction ends. What the session itself would write is left out.
    """
    from sqlalchemy import select

    table = type(dag_run).__table__
    row = table.c.id == dag_run.id
    with session.no_autoflush:  # else the session's own change would be what is read
        session.execute(table.update().where(row).values(state=table.c.state))
        return session.execute(select(table.c.state).where(row)).scalar()


def close_jobs(session: Session, kind: str | None) -> None:
    """Mark a component of Airflow (or all) as failed: another one may take over its work."""
    from airflow.jobs.job import Job
    from airflow.sdk.timezone import utcnow
    from sqlalchemy import update

    closing = update(Job).where(Job.state == "running")
    if kind is not None:
        closing = closing.where(Job.job_type == kind)
    session.execute(closing.values(state="failed", end_date=utcnow()))


def forget_import_errors(session: Session) -> None:
    """Forget the errors of DAG files; those that persist come back when the files are parsed."""
    from airflow.models.errors import ParseImportError
    from sqlalchemy import delete

    session.execute(delete(ParseImportError))


def open_runs(session: Session) -> list[Any]:
    """Find the runs that have not ended."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    return list(session.scalars(select(DagRun).where(DagRun.state.in_(OPEN_RUNS))))


def close_run(run: Any, end_of: Callable[[str | None], str | None], note: str) -> None:
    """Mark a run as failed, as Airflow does when a person marks it so.

    Args:
        run: of the session.
        end_of: chooses the last state of a task by its state; None leaves the task alone.
        note: is added to the run's note.
    """
    from airflow.sdk.timezone import utcnow

    for task in run.task_instances:
        if end := end_of(task.state):
            task.state = end
            task.end_date = utcnow()
            task.trigger_id = None
    run.set_state("failed")
    run.note = f"{run.note}\n{note}" if run.note else note


def drop_questions(session: Session) -> None:
    """Delete the questions to people of runs that have ended."""
    from airflow.models.dagrun import DagRun
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import delete, select

    waiting = (
        select(TaskInstance.id)
        .join(DagRun, TaskInstance.dag_run)
        .where(DagRun.state.in_(OPEN_RUNS), TaskInstance.state == AWAITING_INPUT)
    )
    unanswered = HITLDetail.responded_at.is_(None)
    dropping = delete(HITLDetail).where(unanswered, HITLDetail.ti_id.not_in(waiting))
    session.execute(dropping.execution_options(synchronize_session=False))

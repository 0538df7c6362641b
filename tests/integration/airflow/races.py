"""Airflow's own scheduler code and API on a SQLite database, and a person between its statements.

A program of its own, because Airflow reads its configuration once: `races.py COUNT` prints, as
JSON by scenario, how COUNT runs ended that were marked as failed. In run number N that happens just
before the scheduler's statement number N. In `bare`, this package's plugin is left out.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow import settings
from airflow.api_fastapi.core_api.datamodels.dag_run import DagRunMutableStates
from airflow.api_fastapi.core_api.services.public.dag_run import patch_dag_run_state
from airflow.api_fastapi.execution_api.app import InProcessExecutionAPI
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.executors.local_executor import LocalExecutor
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.listeners.listener import get_listener_manager
from airflow.models import DagModel, DagRun  # noqa: TID251 - as the scheduler
from airflow.models.dagbag import DBDagBag  # noqa: TID251 - as the scheduler
from airflow.models.serialized_dag import SerializedDagModel  # noqa: TID251 - as the scheduler
from airflow.models.taskinstance import clear_task_instances  # noqa: TID251 - as the API server
from airflow.models.xcom import XComModel  # noqa: TID251 - as the scheduler
from airflow.sdk.api.client import Client
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import event, select, update

from gitlab_ci_provider.model.airflow_states import RUN_ENDED
from gitlab_ci_provider.model.begun_note import begun_note
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.job import Job as CiJob
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.plugins import run_note
from gitlab_ci_provider.plugins.clears import ClearsPlugin
from gitlab_ci_provider.renderer.dag import render_dag
from gitlab_ci_provider.renderer.maintenance import maintenance_dag
from gitlab_ci_provider.settings import load_settings

DAG, MAINTENANCE = "group__project", "gitlab_ci_maintenance"
BUNDLE = "dags-folder"


def make_dags() -> None:
    """Let Airflow know the DAG of a pipeline with two jobs, and that of the maintenance."""
    jobs = {name: CiJob(name=name, stage="test") for name in ("lint", "unit")}
    record = DagRecord(
        dag_id=DAG,
        project=Project(path="group/project", clone_url="https://example.com/p.git"),
        ref=Ref(name="main", sha="0" * 40),
        digest="d",
    )
    dag = render_dag(record, Pipeline(stages=("test",), jobs=jobs, edges={}), load_settings())
    dag.fileloc, dag.relative_fileloc = str(Path(__file__)), "races.py"
    tidy = maintenance_dag(schedule=None)
    tidy.fileloc, tidy.relative_fileloc = str(Path(__file__)), "races.py"
    DagBundlesManager().sync_bundles_to_db()
    with create_session() as session:
        for lazy in map(LazyDeserializedDAG.from_dag, (dag, tidy)):
            SerializedDAG.bulk_write_to_db(BUNDLE, None, [lazy], session=session)
            SerializedDagModel.write_dag(lazy, bundle_name=BUNDLE, session=session)
        session.execute(update(DagModel).values(is_paused=False))


def make_run(name: str, state: str, tasks: dict[str, str], dag_id: str = DAG) -> None:
    """Make a run whose tasks have these states."""
    with create_session() as session:
        dag = DBDagBag().get_latest_version_of_dag(dag_id, session=session)
        assert dag is not None
        run = dag.create_dagrun(
            run_id=name,
            run_after=datetime.now(UTC) - timedelta(minutes=1),  # SQLite compares whole seconds
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.REST_API,
            state=state,
            session=session,
        )
        if state == "running" and not name.startswith("bare"):
            run.note = begun_note(None, "")  # as when it began to run
        for task in run.get_task_instances(session=session):
            task.state = tasks.get(task.task_id)
            task.queued_dttm = task.start_date = task.end_date = datetime.now(UTC)
        if tasks.get("finish_pipeline") == "success":
            end = {"status": "passed", "text": "passed"}
            place = {"dag_id": DAG, "task_id": "finish_pipeline", "run_id": name}
            XComModel.set("pipeline_result", end, **place, session=session)


def notes_of_a_failure(runner: SchedulerJobRunner) -> list[str | None]:
    """Let a job fail, be cleared and pass; give the note of its task after each end of the run."""
    name, seen = "notes", []
    done = dict.fromkeys(TASKS, "success")
    make_run(name, "running", {**done, "lint": "failed", "finish_pipeline": "failed"})
    told = {"status": "failed", "failure_reason": "script_failure", "reason": "exit code 2"}
    with create_session() as session:
        place = {"dag_id": DAG, "task_id": "lint", "run_id": name}
        XComModel.set("job_result", told, **place, session=session)
    for states in ({}, done):
        with create_session() as session:
            run = session.scalar(select(DagRun).where(DagRun.run_id == name))
            for task in run.get_task_instances(session=session):
                task.state = states.get(task.task_id, task.state)
            run.state = "running"
        schedule(runner)
        with create_session() as session:
            run = session.scalar(select(DagRun).where(DagRun.run_id == name))
            seen.append(run.get_task_instance("lint", session=session).note)
    return seen


def notes_of_a_missing_pool(runner: SchedulerJobRunner) -> list[str | None]:
    """Begin a run one of whose tasks is in a pool that does not exist; give the notes."""
    name = "poolless"
    make_run(name, "queued", {})
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.run_id == name))
        run.get_task_instance("unit", session=session).pool = "gpu"
    schedule(runner)
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.run_id == name))
        notes = [run.get_task_instance(task, session=session).note for task in ("lint", "unit")]
        run.state = "failed"  # the races go on without it
        return [run.note, *notes]


def notes_while_it_runs() -> list[list[str | None]]:
    """Let tasks leave XComs as they do, by Airflow's API for them; give the notes after each."""
    name, seen = "written", []
    make_run(name, "running", {})
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.run_id == name))
        run.get_task_instance("finish_pipeline", session=session).note = "of a person"
    client = Client(
        base_url="http://a.invalid/", token="", transport=InProcessExecutionAPI().transport
    )
    failed = {"status": "failed", "failure_reason": "script_failure", "reason": "exit code 2"}
    left_out = {"unit": "no rule matches", "finish_pipeline": "a person's note stays"}
    for task, key, value in (
        ("create_pipeline", "left_out", left_out),
        ("lint", "job_result", failed),
        ("lint", "_link_EnvironmentLink", "https://a.example.com"),
        ("lint", "job_result", {**failed, "reports": 5}),
        ("lint", "job_result", None),
        ("lint", "job_result", {"status": "manual"}),
        ("lint", "job_result", {"status": "success"}),
        ("finish_pipeline", "job_result", failed),
    ):
        place = {"dag_id": DAG, "run_id": name, "task_id": task, "key": key}
        if value is None:
            client.xcoms.delete(**place)
        else:
            client.xcoms.set(**place, value=value)
        with create_session() as session:
            run = session.scalar(select(DagRun).where(DagRun.run_id == name))
            tasks = ("lint", "unit", "finish_pipeline")
            seen.append([run.get_task_instance(one, session=session).note for one in tasks])
    with create_session() as session:
        session.execute(update(DagRun).where(DagRun.run_id == name).values(state="failed"))
    return seen


def tries_after_a_clear(name: str) -> list[tuple[str | None, int]]:
    """Clear two tasks, one of which runs; give their states and by how much `max_tries` rose."""
    make_run(name, "running", {"unit": "running", "lint": "failed"})
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.run_id == name))
        tasks = [run.get_task_instance(task, session=session) for task in ("unit", "lint")]
        for task in tasks:
            task.try_number = 1
        before = [task.max_tries for task in tasks]
        clear_task_instances(tasks, session)
        run.state = "failed"  # the races go on without it
        return [
            (task.state, task.max_tries - earlier)
            for task, earlier in zip(tasks, before, strict=True)
        ]


def played_by_maintenance(runner: SchedulerJobRunner) -> list[list[str | None]]:
    """End a run of the maintenance DAG that has found jobs; give the states of their run."""
    seen = []
    for name, job in (("waiting", "skipped"), ("at-work", "running")):
        make_run(name, "success", {**dict.fromkeys(TASKS, "success"), "lint": job})
        tidy = dict.fromkeys(("reap", "prune", "report", "stop"), "success")
        make_run(f"tidy-{name}", "running", {**tidy, "reap": "failed"}, MAINTENANCE)
        with create_session() as session:
            place = {"dag_id": MAINTENANCE, "task_id": "stop", "run_id": f"tidy-{name}"}
            found = {"environment": "review", "dag": DAG, "run": name, "task": "lint"}
            XComModel.set("to_play", [found], **place, session=session)
        schedule(runner)
        for thread in threading.enumerate():
            if thread.name == "gitlab-ci-stop":
                thread.join()
        with create_session() as session:
            run = session.scalar(select(DagRun).where(DagRun.run_id == name))
            tasks = {task.task_id: task.state for task in run.get_task_instances(session=session)}
            seen.append([run.state, *(tasks[task] for task in TASKS)])
            run.state = "failed"  # the races go on without it
    return seen


def mark_failed(name: str) -> None:
    """Mark a run as failed, as `PATCH .../dagRuns/{name}` does."""
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.run_id == name))
        dag = DBDagBag().get_dag_for_run(run, session=session)
        patch_dag_run_state(
            dag=dag, dag_run=run, state=DagRunMutableStates("failed"), session=session
        )


def at_statement(number: int, act: Callable[[], None]) -> Callable[[], None]:
    """Act in another thread just before this one's statement number `number`.

    When this thread has locked the database by then, it continues, and the act comes after. Call
    the result to wait for the act.
    """
    mine, count, done = threading.get_ident(), 0, threading.Event()

    def work() -> None:
        try:
            act()
        finally:
            done.set()

    actor = threading.Thread(target=work)

    def before(*_: Any) -> None:
        nonlocal count
        if threading.get_ident() == mine:
            count += 1
            if count == number:
                actor.start()
                done.wait(1)

    event.listen(settings.engine, "before_cursor_execute", before)

    def wait() -> None:
        event.remove(settings.engine, "before_cursor_execute", before)
        if count < number:
            actor.start()
        actor.join()

    return wait


def race(runner: SchedulerJobRunner, scenario: str, number: int) -> str:
    """Play one run to its end and tell how it ended."""
    name = f"{scenario}-{number}"
    done = dict.fromkeys(TASKS, "success")
    states: dict[str, tuple[str, dict[str, str]]] = {
        "running": ("running", {"create_pipeline": "running"}),
        "bare": ("running", {"create_pipeline": "running"}),
        "queued": ("queued", {}),
        "ending": ("running", done),
        "unfinished": ("running", {**done, "finish_pipeline": "skipped"}),
    }
    make_run(name, *states[scenario])
    if scenario == "unfinished":
        schedule(runner)
    else:
        wait = at_statement(number, lambda: mark_failed(name))
        schedule(runner)
        wait()
    for _ in range(3):
        if has_ended(name):  # the scheduler no longer looks at it
            break
        schedule(runner)
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.run_id == name))
        return f"{run.state}: {run.note}"


TASKS = ("create_pipeline", "lint", "unit", "finish_pipeline")


def has_ended(name: str) -> bool:
    """Return whether a run has ended."""
    with create_session() as session:
        return session.scalar(select(DagRun.state).where(DagRun.run_id == name)) in RUN_ENDED


def schedule(runner: SchedulerJobRunner) -> None:
    """Let the scheduler go around once."""
    with create_session() as session:
        runner._do_scheduling(session)


def main(count: int) -> None:
    """Race, and print how often runs ended in which way."""
    initdb()
    make_dags()
    runner = SchedulerJobRunner(job=Job(), executors=[LocalExecutor(parallelism=1)])
    ends: dict[str, Any] = {"notes": notes_of_a_failure(runner)}
    ends["pools"] = notes_of_a_missing_pool(runner)
    ends["plays"] = played_by_maintenance(runner)
    ends["bare clears"] = tries_after_a_clear("bare-clears")
    _ = ClearsPlugin.fastapi_apps  # as the API server begins
    ends["clears"] = tries_after_a_clear("clears")
    ends["written"] = notes_while_it_runs()
    for scenario in ("running", "queued", "ending", "unfinished", "bare"):
        if scenario == "bare":
            get_listener_manager().pm.unregister(run_note)
        again = 3 if scenario == "unfinished" else count
        ends[scenario] = Counter(race(runner, scenario, number + 1) for number in range(again))
    print(json.dumps(ends))  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""What the tasks of one run tell each other: the pipeline's record and the jobs' results.

All are XComs, so that a person finds them in the Airflow UI: `pipeline` of `create_pipeline`,
`job_result` of every job, and `pipeline_result` of `finish_pipeline`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from airflow.sdk import Context

from gitlab_ci_provider.exceptions import NoPipelineError
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.names import CREATE_PIPELINE, task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import JobResult, JobStatus, PipelineRun
from gitlab_ci_provider.model.serialization import convert, encode
from gitlab_ci_provider.schedule.airflow_states import FAILED, States
from gitlab_ci_provider.schedule.finish import PipelineResult
from gitlab_ci_provider.schedule.results import results
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state


def push_run(context: Context, run: PipelineRun) -> None:
    """Pin the pipeline for the tasks of this run.

    The whole record is an XCom for people and programs. Tasks read it from the snapshots, by the
    XCom `pin`: of a thousand jobs, each would else move 300 KB through Airflow's API server.
    """
    pin = open_state(load_settings()).snapshots.save_run(run)
    context["ti"].xcom_push(key=xcom_keys.PIPELINE, value=plain(run))
    context["ti"].xcom_push(key=xcom_keys.PIN, value=pin)


_NOT_CREATED = FAILED | {"skipped"}
"""States of `create_pipeline` after which what it has left does not count."""


def own_states(context: Context) -> States:
    """Ask Airflow for the states of the tasks of this run."""
    ti = context["ti"]
    return task_states(context, ti.dag_id, ti.run_id)


def pull_run(context: Context, states: States) -> PipelineRun:
    """Read the pipeline of this run.

    A record alone is not enough: whoever wrote it may have failed, or been stopped, right after. It
    may still be running, though, when jobs that rules leave out have let a later job start.

    Raises:
        NoPipelineError: `create_pipeline` has not done its work; the message says why.
    """
    state = states.get(CREATE_PIPELINE)
    run = _record(context)
    if run is not None and state not in (_NOT_CREATED if run.created else FAILED):
        return run
    said = context["ti"].xcom_pull(task_ids=CREATE_PIPELINE, key=xcom_keys.PROBLEM)
    how = f"is {state or 'without a state'}, see its log" if state != "failed" else "failed"
    why = f"failed: {said}" if said and state == "failed" else how
    raise NoPipelineError(f"no pipeline: {CREATE_PIPELINE} {why}")


def _record(context: Context) -> PipelineRun | None:
    pin = context["ti"].xcom_pull(task_ids=CREATE_PIPELINE, key=xcom_keys.PIN)
    run = open_state(load_settings()).snapshots.load_run(pin) if pin else None
    if run is not None:
        return run
    value = context["ti"].xcom_pull(task_ids=CREATE_PIPELINE, key=xcom_keys.PIPELINE)
    return None if value is None else convert(value, PipelineRun)


def push_problem(context: Context, words: str) -> None:
    """Tell why there is no pipeline."""
    context["ti"].xcom_push(key=xcom_keys.PROBLEM, value=words)


def push_result(context: Context, result: JobResult) -> None:
    """Tell how this job ended."""
    context["ti"].xcom_push(key=xcom_keys.JOB_RESULT, value=plain(result))


def push_end(context: Context, result: PipelineResult, name: str | None = None) -> None:
    """Tell how the pipeline ended; `name` and `text` become the run's note, see `run_note.py`."""
    said = {**plain(result), "text": result.text, "name": name or ""}
    context["ti"].xcom_push(key=xcom_keys.PIPELINE_RESULT, value=said)


def push_left_out(context: Context, reasons: Mapping[str, str]) -> None:
    """Tell why tasks are left out; they become the tasks' notes, see `plugins/run_note.py`."""
    context["ti"].xcom_push(key=xcom_keys.LEFT_OUT, value=dict(reasons))


def pull_result(context: Context, task_id: str) -> JobResult | None:
    """Read how another job of this run ended; None when it has not said."""
    value = context["ti"].xcom_pull(task_ids=task_id, key=xcom_keys.JOB_RESULT)
    return None if value is None else convert(value, JobResult)


def ended_jobs(
    context: Context, run: PipelineRun, pipeline: Pipeline, states: States
) -> dict[str, JobResult]:
    """Tell how the jobs of this run that have ended did."""
    names = task_ids(pipeline.jobs)
    by_job = {job: states.get(task) for job, task in names.items()}
    orders = open_state(load_settings()).cancellations.of_run(run.dag_id, run.run_id)
    return results(
        pipeline,
        run.decisions,
        by_job,
        lambda job: pull_result(context, names[job]),
        canceled=bool(orders),
    )


def task_states(context: Context, dag_id: str, run_id: str) -> dict[str, str | None]:
    """Ask Airflow for the states of the tasks of a run; none when there is no such run."""
    answer = context["ti"].get_task_states(dag_id=dag_id, run_ids=[run_id])
    return dict(answer.get(run_id, {}))


def with_coverage(
    context: Context, pipeline: Pipeline, ended: Mapping[str, JobResult]
) -> dict[str, JobResult]:
    """Add the coverage of the jobs that have `coverage:` and ran."""
    names = task_ids(pipeline.jobs)
    found = dict(ended)
    for job, result in ended.items():
        ran = result.status in {JobStatus.SUCCESS, JobStatus.FAILED}
        if ran and pipeline.jobs[job].coverage is not None:
            told = pull_result(context, names[job])
            found[job] = replace(result, coverage=told.coverage if told else None)
    return found


def plain(value: object) -> Any:
    """Turn a value into what JSON has: Airflow would wrap a tuple into a type of its own."""
    return msgspec.json.decode(encode(value))

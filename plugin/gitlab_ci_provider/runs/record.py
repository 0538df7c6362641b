"""What the tasks of one run exchange: the pipeline's record and the jobs' results.

All are XComs, so that people find them in the Airflow UI: `pipeline` of `create_pipeline`,
`job_result` of every job, and `pipeline_result` of `finish_pipeline`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from gitlab_ci_provider.airflow_internals.tasks import task_states
from gitlab_ci_provider.exceptions import NoPipelineError
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.about import about
from gitlab_ci_provider.model.airflow_states import FAILED, States
from gitlab_ci_provider.model.names import CREATE_PIPELINE, task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import JobResult, JobStatus, PipelineRun
from gitlab_ci_provider.model.serialization import convert, encode
from gitlab_ci_provider.runs.context import RunContext, TaskContext
from gitlab_ci_provider.schedule.pipeline_result import PipelineResult
from gitlab_ci_provider.schedule.results import results

_MOST_EXPOSED = 10

_NOT_CREATED = FAILED | {"skipped"}
"""States of `create_pipeline` in which its XComs are not valid."""


def push_run(task: TaskContext, record: PipelineRun) -> None:
    """Pin the pipeline for the tasks of this run.

    The whole record is an XCom for people and programs. Tasks read it from the snapshots, by the
    XCom `pin`: otherwise each of a thousand jobs would move 300 KB through Airflow's API server.
    """
    pin = task.state.snapshots.save_run(record)
    _push(task, xcom_keys.PIPELINE, plain(record))
    _push(task, xcom_keys.PIN, pin)
    _push(task, xcom_keys.ABOUT, plain(about(record)))


def pull_run(task: TaskContext, states: States) -> PipelineRun:
    """Read the record of this run's pipeline.

    A record alone is not enough: the task that wrote it may have failed, or been stopped, right
    after. It may still be running, though, when jobs that rules leave out have let a later job
    start.

    Raises:
        NoPipelineError: `create_pipeline` has not done its work; the message says why.
    """
    state = states.get(CREATE_PIPELINE)
    record = _record(task)
    if record is not None and state not in (_NOT_CREATED if record.created else FAILED):
        return record
    said = _pull(task, CREATE_PIPELINE, xcom_keys.PROBLEM)
    how = f"is {state or 'without a state'}, see its log" if state != "failed" else "failed"
    why = f"failed: {said}" if said and state == "failed" else how
    raise NoPipelineError(f"no pipeline: {CREATE_PIPELINE} {why}")


def load_run(task: TaskContext, record: PipelineRun, states: States) -> RunContext:
    """Load the context of a run that has a pipeline."""
    pipeline = task.state.snapshots.load_pipeline(record.digest)
    orders = task.state.cancellations.of_run(record.dag_id, record.run_id)
    return RunContext(
        context=task.context,
        settings=task.settings,
        state=task.state,
        record=record,
        pipeline=pipeline,
        ended=_ended_jobs(task, record, pipeline, states, canceled=bool(orders)),
        orders=orders,
    )


def own_states(task: TaskContext) -> States:
    """Ask Airflow for the states of the tasks of this run."""
    return task_states(task.dag_id, task.run_id)


def push_problem(task: TaskContext, words: str) -> None:
    """Record why there is no pipeline."""
    _push(task, xcom_keys.PROBLEM, words)


def push_result(task: TaskContext, result: JobResult) -> None:
    """Record how this job ended."""
    _push(task, xcom_keys.JOB_RESULT, plain(result))


def push_end(task: TaskContext, result: PipelineResult, record: PipelineRun | None = None) -> None:
    """Record how the pipeline ended; this becomes the note of its run, see `run_note.py`."""
    name = record.name if record is not None and record.created else ""
    said = {**plain(result), "text": result.text, "name": name or ""}
    if record is not None:
        said |= {"id": record.id, "ref": record.ref.name, "commit": record.ref.sha[:8]}
    _push(task, xcom_keys.PIPELINE_RESULT, said)


def push_untold(task: TaskContext, untold: Sequence[str]) -> None:
    """Record what GitLab was not told, for the note of the run, see `plugins/run_note.py`."""
    if untold:
        _push(task, xcom_keys.UNTOLD, list(untold))


def push_left_out(task: TaskContext, reasons: Mapping[str, str]) -> None:
    """Record why tasks are left out, for the tasks' notes, see `plugins/run_note.py`."""
    _push(task, xcom_keys.LEFT_OUT, dict(reasons))


def pull_result(task: TaskContext, task_id: str) -> JobResult | None:
    """Read how another job of this run ended; None when it has left no result."""
    value = _pull(task, task_id, xcom_keys.JOB_RESULT)
    return None if value is None else convert(value, JobResult)


def with_coverage(run: RunContext, ended: Mapping[str, JobResult]) -> dict[str, JobResult]:
    """Add the coverage of the jobs that have `coverage:` and ran."""
    names = task_ids(run.pipeline.jobs)
    found = dict(ended)
    for job, result in ended.items():
        ran = result.status in {JobStatus.SUCCESS, JobStatus.FAILED}
        if ran and run.pipeline.jobs[job].coverage is not None:
            told = pull_result(run, names[job])
            found[job] = replace(result, coverage=told.coverage if told else None)
    return found


def exposed_artifacts(run: RunContext, ended: Mapping[str, JobResult]) -> tuple[str, ...]:
    """Name what jobs expose, as far as they have left artifacts: GitLab shows ten at most."""
    names, exposed = task_ids(run.pipeline.jobs), []
    for job in ended:
        artifacts = run.pipeline.jobs[job].artifacts
        if artifacts is None or artifacts.expose_as is None:
            continue
        told = pull_result(run, names[job])
        if told is not None and told.artifacts:
            exposed.append(f"{artifacts.expose_as} ({job})")
    return tuple(exposed[:_MOST_EXPOSED])


def plain(value: object) -> Any:
    """Convert a value to plain JSON types: Airflow would wrap a tuple into a type of its own."""
    return msgspec.json.decode(encode(value))


def _record(task: TaskContext) -> PipelineRun | None:
    pin = _pull(task, CREATE_PIPELINE, xcom_keys.PIN)
    record = task.state.snapshots.load_run(pin) if pin else None
    if record is not None:
        return record
    value = _pull(task, CREATE_PIPELINE, xcom_keys.PIPELINE)
    return None if value is None else convert(value, PipelineRun)


def _ended_jobs(
    task: TaskContext,
    record: PipelineRun,
    pipeline: Pipeline,
    states: States,
    *,
    canceled: bool,
) -> dict[str, JobResult]:
    """Return the results of the jobs of this run that have ended."""
    names = task_ids(pipeline.jobs)
    by_job = {job: states.get(task_id) for job, task_id in names.items()}
    return results(
        pipeline,
        record.decisions,
        by_job,
        lambda job: pull_result(task, names[job]),
        canceled=canceled,
    )


def _push(task: TaskContext, key: str, value: Any) -> None:
    task.context["ti"].xcom_push(key=key, value=value)


def _pull(task: TaskContext, task_id: str, key: str) -> Any:
    return task.context["ti"].xcom_pull(task_ids=task_id, key=key)

"""A run whose ref has other jobs than its DAG: it continues in a DAG that has them.

A person or program that starts a run names a ref, in Airflow's form or through its API, and need
not know which DAG fits. A run that stays holds its DAG, so that no later commit changes its jobs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gitlab_ci_provider.airflow_internals.tasks import pinned_version, run_state
from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.hooks.dag_runs import RunKey, start_run
from gitlab_ci_provider.model.airflow_states import RUN_ENDED
from gitlab_ci_provider.model.begun_note import begun_note
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.topology import differences, topology, topology_tag
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.create.pinned import Pinned
from gitlab_ci_provider.runs.create.scheduled import MOVED_FROM, schedule_conf
from gitlab_ci_provider.runs.dag_reading import check_limit, has_read, look_later, wait_in_worker
from gitlab_ci_provider.runs.form import REF, SCHEDULE, SHA, SOURCE
from gitlab_ci_provider.snapshots.dag_files import publish
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.refs import reserve_for_run

_SUSPECT = 3600
"""Seconds after which Airflow is asked whether the run of a hold has ended."""


def redirect(
    task: TaskContext, record: DagRecord, shown: Pipeline, pinned: Pinned
) -> RunKey | None:
    """Start the run's pipeline in the DAG that fits; None when this DAG fits and is now held.

    Args:
        task: of the run.
        record: of the run's DAG, which may be newer than what Airflow has read.
        shown: the pipeline whose jobs the run has.
        pinned: the pipeline that is asked for.

    Raises:
        TaskDeferred: Airflow has not read the DAG yet.
        UnreadDagError: Airflow has not read it for too long.
        ConfigError: the run was redirected before, or is a child pipeline, and does not fit.
    """
    holds = task.state.holds
    conf = task.context["dag_run"].conf or {}
    bound = MOVED_FROM in conf or record.kind is DagKind.CHILD or pinned.context.upstream
    drop_ended(holds, task.dag_id)
    fits = holds.take(task.dag_id, task.run_id, pinned.digest)
    if pinned_version(task.context["ti"]):
        fits = stays = topology(shown) == topology(pinned.pipeline)
    else:
        stays = fits and wait_in_worker(lambda: has_read(task, pinned.pipeline))
    if stays:
        return None
    if bound and not fits:
        raise _misfit(shown, pinned.pipeline)
    if bound:
        _check_limit(task, task.dag_id)
        look_later(task.dag_id)
    return _start_elsewhere(task, record, pinned)


def drop_ended(holds: Holds, dag: str) -> None:
    """Drop the holds of runs that have ended without releasing them."""
    now = holds.store.clock()
    for run, since in holds.runs(dag).items():
        if now - since > _SUSPECT and _has_ended(dag, run):
            holds.drop(dag, run)


def _start_elsewhere(task: TaskContext, record: DagRecord, pinned: Pinned) -> RunKey:
    holds = task.state.holds
    holds.drop(task.dag_id, task.run_id)
    # Airflow keeps names that begin with `scheduled__` for its own schedules.
    run = task.run_id.replace("scheduled__", "moved__", 1)
    owner = dag_id(record.project.path)
    target = reserve_for_run(
        holds, owner, ref=pinned.ref, digest=pinned.digest, run=run, other_than=task.dag_id
    )
    if target.kind is DagKind.REF:
        publish(target, task.settings.dag_files)
    key = RunKey(dag=target.dag_id, run=run)
    conf = _conf(task, record, pinned)
    note = begun_note(conf, task.context["dag_run"].triggering_user_name or "")
    shape = topology_tag(pinned.pipeline)
    if not wait_in_worker(lambda: start_run(key, shape, conf, note)):
        _check_limit(task, key.dag)
        look_later(key.dag)
    return key


def _conf(task: TaskContext, record: DagRecord, pinned: Pinned) -> dict[str, Any]:
    """Make the new run's conf: what was asked for, and the commit that was found."""
    wanted, schedule = pinned.context, schedule_conf(task, record)
    return {
        **(task.context["dag_run"].conf or {}),
        **({SCHEDULE: dict(schedule)} if schedule else {}),
        REF: wanted.ref.unmistakable,
        SHA: wanted.ref.sha,
        SOURCE: wanted.source,
        MOVED_FROM: {"dag": task.dag_id, "run": task.run_id},
    }


def _misfit(shown: Pipeline, wanted: Pipeline) -> ConfigError:
    listed = differences(shown, wanted)
    return ConfigError(
        f"this ref's pipeline has other jobs than this DAG ({listed}): trigger it again"
    )


def _check_limit(task: TaskContext, dag: str) -> None:
    started: datetime | None = task.context["dag_run"].start_date
    waited = (datetime.now(UTC) - started).total_seconds() if started else 0
    check_limit(dag, waited, task.settings.child_dag_timeout)


def _has_ended(dag: str, run: str) -> bool:
    return run_state(dag, run) in {None, *RUN_ENDED}

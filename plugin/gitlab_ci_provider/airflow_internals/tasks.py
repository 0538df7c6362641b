"""What a running task or trigger asks Airflow for, beyond its public interface.

Tasks of Airflow 3 have no access to the database: they send a message to their supervisor, which
asks the API server. The task SDK exports only some of these messages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import (
    AirflowRuntimeError,
    AirflowSkipException,
    DownstreamTasksSkipped,
    ErrorType,
    TaskAwaitingInput,
    TaskDeferred,
)

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from airflow.sdk import Context
    from airflow.triggers.base import BaseTrigger

__all__ = ["AirflowRuntimeError", "DownstreamTasksSkipped", "TaskDeferred"]


def start_dag_run(dag: str, run: str, conf: Mapping[str, Any], note: str) -> bool:
    """Start a run of a DAG; False when Airflow does not know the DAG (yet).

    Airflow's own operator for this raises an exception that ends the task, and fails when the run
    exists. This function can be called from a task that goes on, and again from its next try.

    Raises:
        AirflowRuntimeError: Airflow refuses.
    """
    from airflow.sdk.execution_time.comms import TriggerDagRun
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    message = TriggerDagRun(dag_id=dag, run_id=run, conf=dict(conf), note=note)
    try:
        SUPERVISOR_COMMS.send(message)
    except AirflowRuntimeError as problem:
        if problem.error.error == ErrorType.DAGRUN_ALREADY_EXISTS:
            return True
        if _is_missing(problem):
            return False
        raise
    return True


def dag_is_paused(dag: str) -> bool:
    """Return whether a DAG is paused; a DAG that Airflow does not know is not."""
    found = _dag(dag)
    return found is not None and bool(found.is_paused)


def dag_tags(dag: str) -> list[str]:
    """List the tags of a DAG; a DAG that Airflow does not know has none."""
    found = _dag(dag)
    return [] if found is None else list(found.tags)


def run_state(dag: str, run: str) -> str | None:
    """Read the state of a run; None when there is no such run."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    try:
        return _word(RuntimeTaskInstance.get_dagrun_state(dag, run))
    except AirflowRuntimeError as problem:
        if _is_missing(problem):
            return None
        raise


def run_conf(dag: str, run: str) -> Mapping[str, Any]:
    """Read the conf of a run of any DAG."""
    from airflow.sdk.execution_time.comms import DagRunResult, GetDagRun
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    found = SUPERVISOR_COMMS.send(GetDagRun(dag_id=dag, run_id=run))
    return (found.conf if isinstance(found, DagRunResult) else None) or {}


def pinned_version(ti: Any) -> str | None:
    """Name the version of its DAG bundle that the run of a task keeps; None where it keeps none.

    Airflow moves a run that keeps none to the newest version of its DAG, between any two tasks.
    """
    bundle = getattr(ti, "bundle_instance", None)  # `dag.test()` has none
    version: str | None = bundle.version if bundle else None
    return version


def run_is_open(dag: str, run: str) -> bool:
    """Return whether a run is queued or running; one that was deleted is not."""
    state = run_state(dag, run)
    return state is not None and state not in {"success", "failed"}


def task_states(dag: str, run: str, tasks: Collection[str] | None = None) -> dict[str, str | None]:
    """Read the states of the tasks of a run; empty when there is no such run.

    Works in a task and in a trigger, which has no task instance to ask.

    Args:
        dag: the DAG's ID.
        run: the run's ID.
        tasks: only these; None means all.
    """
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    chosen = None if tasks is None else list(tasks)
    answer = RuntimeTaskInstance.get_task_states(dag_id=dag, task_ids=chosen, run_ids=[run])
    states: Mapping[str, Any] = answer.get(run, {})
    return {task: None if state is None else _word(state) for task, state in states.items()}


def instance_name(ti: Any) -> str:
    """Name an instance of a task as `task_states` does: those of a mapped task have a number."""
    index = ti.map_index
    return f"{ti.task_id}_{index}" if index is not None and index >= 0 else str(ti.task_id)


def task_durations(context: Context) -> list[tuple[str, str, float]]:
    """List task, state and seconds of each task of this run that has ended."""
    ti: Any = context["ti"]  # the public type of a task instance lacks this method
    crumbs = ti.get_task_breadcrumbs(dag_id=ti.dag_id, run_id=ti.run_id)
    return [(crumb["task_id"], _word(crumb["state"]), crumb["duration"] or 0) for crumb in crumbs]


def read_xcom(dag: str, run: str, task: str, key: str) -> Any:
    """Read an XCom without a task instance, as a trigger must; None when there is none."""
    from airflow.sdk.execution_time.xcom import XCom

    return XCom.get_one(dag_id=dag, run_id=run, task_id=task, key=key)


def write_xcom(dag: str, run: str, task: str, key: str, value: Any) -> None:
    """Write an XCom without a task instance, as a trigger must."""
    from airflow.sdk.execution_time.xcom import XCom

    XCom.set(key, value, dag_id=dag, run_id=run, task_id=task)


def defer(trigger: BaseTrigger, method_name: str, timeout: timedelta | None = None) -> NoReturn:
    """Give the worker back until a trigger fires; for code without an operator.

    Args:
        trigger: what to wait for.
        method_name: of the operator, to go on with.
        timeout: how long; then a worker fails the task, see `failed_trigger`.

    Raises:
        TaskDeferred: always; Airflow resumes the task with `method_name`.
    """
    raise TaskDeferred(trigger=trigger, method_name=method_name, timeout=timeout)


def hears_of_successes() -> bool:
    """Tell whether a plugin hears of tasks that succeed: Airflow tells it only in a worker."""
    from airflow.sdk.listener import get_listener_manager

    return bool(get_listener_manager().hook.on_task_instance_success.get_hookimpls())


def failed_trigger(next_method: str, next_kwargs: Mapping[str, Any] | None) -> str | None:
    """Tell why Airflow fails a task that waited for a trigger; None if it resumes it."""
    from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR

    if next_method != TRIGGER_FAIL_REPR:
        return None
    return str((next_kwargs or {}).get("error", "unknown"))


def ask_person(
    context: Context,
    *,
    subject: str,
    body: str,
    options: list[str],
    params: dict[str, Any],
    method_name: str,
) -> NoReturn:
    """Ask a person (Airflow's required actions), and give the worker back until they answer.

    Raises:
        TaskAwaitingInput: always; Airflow resumes the task with `method_name`.
    """
    from airflow.sdk.execution_time.hitl import upsert_hitl_detail

    identity: UUID = context["ti"].id
    upsert_hitl_detail(identity, options, subject, body=body, params=params)
    raise TaskAwaitingInput(method_name=method_name)


def catch_up() -> None:
    """Read the answers that a timeout has kept this task from reading.

    Airflow's timeout interrupts whatever the task does, also a request to its supervisor. The
    answer would count as that to the next request, and so on: answers carry the number of their
    request, but nobody looks at it.
    """
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import CommsDecoder, MaskSecret

    comms = getattr(task_runner, "SUPERVISOR_COMMS", None)
    if not isinstance(comms, CommsDecoder):
        return
    nothing = comms._make_frame(MaskSecret(value=""))  # noqa: SLF001 - no public way to send a frame
    comms.socket.sendall(nothing.as_bytes())
    while comms._read_frame().id != nothing.id:  # noqa: SLF001
        continue


def skip_others(tasks: Iterable[str]) -> None:
    """Skip tasks whose jobs are not in the pipeline.

    Raises:
        DownstreamTasksSkipped: there are such tasks; Airflow then ends this task as a success.
    """
    absent = list(tasks)
    if absent:
        raise DownstreamTasksSkipped(tasks=absent)


def skip_all(tasks: Iterable[str], reason: str) -> NoReturn:
    """Skip every job and this task: there is no pipeline, and the run shows that.

    Airflow's exceptions skip either this task or others, so the others are skipped first.

    Raises:
        AirflowSkipException: always, with the reason.
    """
    skip_now(tasks)
    raise AirflowSkipException(f"no pipeline: {reason}")


def skip_now(tasks: Iterable[str]) -> None:
    """Skip tasks that have not started, however this task ends."""
    from airflow.sdk.execution_time.comms import SkipDownstreamTasks
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    SUPERVISOR_COMMS.send(SkipDownstreamTasks(tasks=list(tasks)))


def add_log_processor(processor: Any) -> None:
    """Have each event of this process's task log pass by a structlog processor first."""
    import structlog  # Airflow's own

    processors = structlog.get_config().get("processors")
    if isinstance(processors, list) and processor not in processors:
        processors.insert(0, processor)


def _dag(dag: str) -> Any:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    try:
        return RuntimeTaskInstance.get_dag(dag)
    except AirflowRuntimeError as problem:
        if _is_missing(problem):
            return None
        raise


def _word(state: Any) -> str:
    """Turn a state into its word: Airflow's enumerations are strings that hash differently."""
    return str(getattr(state, "value", state))


def _is_missing(problem: AirflowRuntimeError) -> bool:
    """Return whether Airflow answers that there is no such thing."""
    detail = problem.error.detail or {}
    return bool(detail.get("status_code") == 404)

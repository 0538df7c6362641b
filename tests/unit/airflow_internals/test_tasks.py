"""What a task asks Airflow for still has the names, the arguments and the answers that it had."""

from __future__ import annotations

import inspect
import socket
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest
import structlog
from airflow.jobs.triggerer_job_runner import TriggerRunnerSupervisor
from airflow.listeners import hookimpl
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import Context, TaskInstance  # type: ignore[attr-defined]  # not in its stub
from airflow.sdk.exceptions import TaskAwaitingInput, TaskDeferred
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import (
    CommsDecoder,
    DeferTask,
    GetVariable,
    VariableResult,
    _RequestFrame,
    _ResponseFrame,
)
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.sdk.listener import get_listener_manager
from airflow.sdk.log import configure_logging
from pydantic import TypeAdapter

from gitlab_ci_provider.airflow_internals import tasks
from gitlab_ci_provider.bundles.state import StateDagBundle
from gitlab_ci_provider.hooks.dag_runs import RunKey, start_run
from unit.airflow_internals.contracts import contract
from unit.airflow_internals.supervisor import Connect

DAG = {
    "dag_id": "d",
    "is_paused": True,
    "bundle_name": None,
    "bundle_version": None,
    "relative_fileloc": None,
    "owners": None,
    "tags": ["gitlab-ci", "topology:1"],
    "next_dagrun": None,
}
TRIGGERER = {"supervisor": TriggerRunnerSupervisor}


def test_a_task_starts_a_run_of_another_dag(connect: Connect):
    """A task can start a run and go on, which Airflow's own operator cannot."""
    comms = connect({"POST /dag-runs/d/r": (200, {})})

    with contract("TriggerDagRun, SUPERVISOR_COMMS.send", "bridges, and refs with their own DAG"):
        assert tasks.start_dag_run("d", "r", {"upstream": {"id": 1}}, "by a bridge")
        assert comms.requests == [
            ("POST", "/dag-runs/d/r", {}, {"conf": {"upstream": {"id": 1}}, "note": "by a bridge"})
        ]


def test_a_run_that_exists_counts_as_started(connect: Connect):
    """The second try of a task finds the run that the first has started."""
    connect({"POST /dag-runs/d/r": (409, {"detail": "exists"})})

    with contract("ErrorType.DAGRUN_ALREADY_EXISTS", "a bridge's second try"):
        assert tasks.start_dag_run("d", "r", {}, "")


def test_an_unknown_dag_is_told_from_other_refusals(connect: Connect):
    """A new DAG is waited for, any other refusal is not."""
    connect({"POST /dag-runs/broken/r": (500, {"detail": "no"})})

    with contract("AirflowRuntimeError.error.detail['status_code']", "waiting for a new DAG"):
        assert not tasks.start_dag_run("missing", "r", {}, "")
        with pytest.raises(tasks.AirflowRuntimeError):
            tasks.start_dag_run("broken", "r", {}, "")


def test_a_task_reads_a_dag(connect: Connect):
    """Whether a DAG is paused and which topology it shows is known without the database."""
    connect({"GET /dags/d": (200, DAG)})

    with contract("RuntimeTaskInstance.get_dag", "waiting for a DAG, warning of a paused one"):
        assert tasks.dag_is_paused("d")
        assert tasks.dag_tags("d") == ["gitlab-ci", "topology:1"]
        assert not tasks.dag_is_paused("missing")
        assert tasks.dag_tags("missing") == []


def test_a_run_is_started_once_its_dag_has_been_read_with_its_jobs(connect: Connect):
    """A run that begins before keeps the jobs that the DAG had, where bundles have versions."""
    comms = connect({"GET /dags/d": (200, DAG), "POST /dag-runs/d/r": (200, {})})

    assert not start_run(RunKey(dag="d", run="r"), "topology:2", {}, "")
    assert [method for method, *_ in comms.requests] == ["GET"]
    assert start_run(RunKey(dag="d", run="r"), "topology:1", {}, "")
    assert comms.requests[-1][:2] == ("POST", "/dag-runs/d/r")


@pytest.mark.parametrize("version", ["20260131T120000.250Z-3fa9c1b2", None])
def test_a_task_knows_which_version_its_run_keeps(version: str | None):
    """The worker was told where to find the DAG, and in which version."""
    with contract("RuntimeTaskInstance.bundle_instance.version", "runs that began too early"):
        assert "bundle_instance" in RuntimeTaskInstance.model_fields
        ti = SimpleNamespace(bundle_instance=StateDagBundle(name="b", version=version))
        assert tasks.pinned_version(ti) == version
        assert tasks.pinned_version(SimpleNamespace()) is None


def test_a_task_reads_the_conf_of_another_run(connect: Connect):
    """A bridge recognizes the run that it has started."""
    run: dict[str, Any] = {
        "dag_id": "d",
        "run_id": "r",
        "logical_date": None,
        "data_interval_start": None,
        "data_interval_end": None,
        "run_after": "2026-01-31T12:00:00Z",
        "start_date": None,
        "end_date": None,
        "run_type": "operator_triggered",
        "state": "queued",
        "consumed_asset_events": [],
        "partition_key": None,
    }
    connect({"GET /dag-runs/d/r": (200, {**run, "conf": {"upstream": {"trigger": "t"}}})})

    with contract("GetDagRun", "a bridge that finds a run of the name that it meant to give"):
        assert tasks.run_conf("d", "r") == {"upstream": {"trigger": "t"}}


@pytest.mark.parametrize("kind", [{}, TRIGGERER], ids=["task", "trigger"])
def test_the_state_of_a_run_is_a_word(connect: Connect, kind: dict[str, Any]):
    """Airflow answers with enumerations, which are equal to their words but hash differently."""
    connect({"GET /dag-runs/d/r/state": (200, {"state": "success"})}, **kind)

    with contract("RuntimeTaskInstance.get_dagrun_state", "bridges that wait, DAGs that are held"):
        assert type(tasks.run_state("d", "r")) is str
        assert tasks.run_state("d", "r") == "success"
        assert tasks.run_state("d", "missing") is None


@pytest.mark.parametrize("kind", [{}, TRIGGERER], ids=["task", "trigger"])
def test_the_states_of_tasks_are_words_or_none(connect: Connect, kind: dict[str, Any]):
    """A task or trigger sees the tasks of any run; a task that nobody has looked at has none."""
    states = {"r": {"create_pipeline": "success", "job": None}}
    comms = connect({"GET /task-instances/states": (200, {"task_states": states})}, **kind)

    with contract("RuntimeTaskInstance.get_task_states", "resource groups, bridges"):
        assert tasks.task_states("d", "r") == states["r"]
        assert tasks.task_states("d", "other") == {}
        tasks.task_states("d", "r", ["create_pipeline"])
        assert comms.requests[-1][2]["task_ids"] == "create_pipeline"


def test_the_public_task_instance_reads_states_as_we_do():
    """`runs/record.py` asks the task instance, which Airflow documents, for the same."""
    with contract("TaskInstance.get_task_states", "every job, which decides by others' states"):
        names = inspect.signature(TaskInstance.get_task_states).parameters
        assert {"dag_id", "task_ids", "run_ids"} <= set(names)


def test_how_long_tasks_took_tells_their_tries_apart(connect: Connect):
    """Any new try of a task changes its breadcrumb."""
    crumb = {"task_id": "a", "state": "success", "duration": 1.5, "operator": "x", "map_index": -1}
    still = {**crumb, "task_id": "b", "duration": None}
    answer = {"breadcrumbs": [crumb, still]}
    connect({"GET /task-instances/breadcrumbs": (200, answer)})

    with contract("RuntimeTaskInstance.get_task_breadcrumbs", "manual jobs played by a clear"):
        ti = SimpleNamespace(
            dag_id="d", run_id="r", get_task_breadcrumbs=RuntimeTaskInstance.get_task_breadcrumbs
        )
        context = cast("Context", {"ti": ti})
        assert tasks.task_durations(context) == [("a", "success", 1.5), ("b", "success", 0)]


@pytest.mark.parametrize("kind", [{}, TRIGGERER], ids=["task", "trigger"])
def test_an_xcom_is_read_without_a_task_instance(connect: Connect, kind: dict[str, Any]):
    """A trigger reads the record of the pipeline that it has to cancel."""
    value = {"key": "pipeline", "value": {"id": 7}}
    connect({"GET /xcoms/d/r/create_pipeline/pipeline": (200, value)}, **kind)

    with contract("execution_time.xcom.XCom.get_one", "a bridge that cancels its child pipeline"):
        assert tasks.read_xcom("d", "r", "create_pipeline", "pipeline") == {"id": 7}
        assert tasks.read_xcom("d", "r", "create_pipeline", "missing") is None


def test_a_person_is_asked_and_the_worker_given_back(connect: Connect):
    """A blocking manual job shows a form, and resumes with its answer."""
    comms = connect()
    identity = UUID(int=7)
    path = f"POST /hitlDetails/{identity}"
    detail = {"ti_id": str(identity), "options": ["Play"], "subject": "s"}
    comms._answers = {path: (201, detail)}
    context = cast("Context", {"ti": SimpleNamespace(id=identity)})

    with contract("upsert_hitl_detail, TaskAwaitingInput", "manual jobs"):
        with pytest.raises(TaskAwaitingInput) as waits:
            tasks.ask_person(
                context,
                subject="s",
                body="b",
                options=["Play"],
                params={"variables": {"value": {}}},
                method_name="play",
            )
        sent = comms.requests[0][3]
        assert (sent["subject"], sent["body"], sent["options"]) == ("s", "b", ["Play"])
        assert sent["params"] == {"variables": {"value": {}}}
        assert waits.value.method_name == "play"


def test_tasks_are_skipped_at_once(connect: Connect):
    """Jobs that are not in the pipeline cost no worker, however `create_pipeline` ends."""
    identity = UUID(int=7)
    comms = connect({f"PATCH /task-instances/{identity}/skip-downstream": (204, None)})

    with contract("SkipDownstreamTasks", "create_pipeline, which skips jobs and then fails"):
        tasks.skip_now(["a", "b"])
        assert comms.requests[0][3]["tasks"] == ["a", "b"]


def test_airflow_skips_what_the_exception_names():
    """`DownstreamTasksSkipped` carries task IDs, and nothing is raised for none."""
    with contract("DownstreamTasksSkipped", "create_pipeline"):
        tasks.skip_others([])
        with pytest.raises(tasks.DownstreamTasksSkipped) as skipped:
            tasks.skip_others(["a"])
        assert skipped.value.tasks == ["a"]


def test_the_log_of_a_task_can_be_changed_on_its_way():
    """An event passes by an added processor before Airflow renders its traceback."""
    seen: list[str] = []

    def note(_logger: Any, _method: str, event: Any) -> Any:
        seen.append(event["event"])
        return event

    before = structlog.get_config()
    try:
        configure_logging(json_output=True)
        with contract("structlog's configuration is a list", "failed jobs without our traceback"):
            tasks.add_log_processor(note)
            tasks.add_log_processor(note)
            assert structlog.get_config()["processors"][0] is note
            structlog.get_logger("task").error("said", exc_info=False)
            assert seen == ["said"]
    finally:
        structlog.configure(**before)


def test_a_deferred_task_is_resumed_by_the_name_of_a_method():
    """`defer(method_name=...)` is what every wait of a job relies on."""
    with contract("DeferTask.next_method", "everything that waits without a worker"):
        assert "next_method" in TypeAdapter(DeferTask).json_schema()["properties"]


def test_a_task_gives_its_worker_back():
    """A task without its operator at hand is deferred as the operator would defer it."""
    trigger = TimeDeltaTrigger(timedelta(seconds=1))

    with pytest.raises(TaskDeferred) as deferred:
        tasks.defer(trigger, "retry_start")

    assert (deferred.value.trigger, deferred.value.method_name) == (trigger, "retry_start")


def _answer(connection: socket.socket) -> None:
    """Answer as a supervisor does: a variable has its key as its value, all else nothing."""
    decoder = msgspec.msgpack.Decoder(_RequestFrame)
    with connection, connection.makefile("rb") as incoming:
        while head := incoming.read(4):
            request = decoder.decode(incoming.read(int.from_bytes(head, "big")))
            key = (request.body or {}).get("key")
            body = VariableResult(key=key, value=key).model_dump() if key else None
            connection.sendall(_ResponseFrame(id=request.id, body=body).as_bytes())


def test_an_answer_that_a_timeout_left_is_not_taken_for_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
):
    """A request that was interrupted while it waited costs the following ones nothing."""
    ours, theirs = socket.socketpair()
    threading.Thread(target=_answer, args=(theirs,), daemon=True).start()
    comms: Any = CommsDecoder(socket=ours)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", comms, raising=False)

    with ours, contract("CommsDecoder._make_frame, ._read_frame, frame ids", "a job's timeout"):
        ours.sendall(comms._make_frame(GetVariable(key="interrupted")).as_bytes())
        tasks.catch_up()

        assert comms.send(GetVariable(key="next")).value == "next"


def test_a_task_knows_that_its_trigger_has_failed():
    """And why; a task that is resumed as usual is told from it."""
    from airflow.models import trigger
    from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR

    with contract("TRIGGER_FAIL_REPR, next_kwargs['error']", "pods that no triggerer can follow"):
        assert trigger.TRIGGER_FAIL_REPR == TRIGGER_FAIL_REPR
        given = {"error": trigger.TriggerFailureReason.TRIGGER_FAILURE.value, "traceback": None}
        assert tasks.failed_trigger(TRIGGER_FAIL_REPR, given) == "Trigger failure"
    assert tasks.failed_trigger("follow_on", {"event": {}}) is None


class Listening:
    """A plugin's listener."""

    @hookimpl
    def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None:
        """Hear of a task."""


def test_a_task_knows_whether_somebody_hears_of_successes():
    """Airflow tells plugins of tasks that end in workers only."""
    with contract("get_listener_manager().pm, .hook", "jobs that pass in the triggerer"):
        manager, ours = get_listener_manager(), Listening()
        others = list(manager.pm.get_plugins())  # an example of Airflow's, if it has examples
        for other in others:
            manager.pm.unregister(other)
        try:
            assert not tasks.hears_of_successes()
            manager.pm.register(ours)
            assert tasks.hears_of_successes()
            manager.pm.unregister(ours)
        finally:
            for other in others:
                manager.pm.register(other)

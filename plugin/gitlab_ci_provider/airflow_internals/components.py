"""The classes of Airflow that the embedded stack replaces: imported in Airflow's processes only.

The replacements are in `local/airflow`. They rely on these members, which are not public:

- `LocalExecutor`: `_process_workloads`, `queued_tasks`, `queued_callbacks`,
  `queued_connection_tests`, `running`, `change_state`, `try_adopt_task_instances`, `conf`;
  `BaseExecutor.run_workload`.
- `DagFileProcessorManager`: `load_dag_bundles`, `request_bundle_refresh`,
  `_service_processor_sockets`, `_processors`, `_file_queue`, `_dag_bundles`.
- `TriggerRunnerSupervisor`: `run_once` and what it calls, `_service_subprocess`, `events`,
  `failed_triggers`, `creating_triggers`, `stop`, `start`, `run_in_process`.
- `TriggerRunner`: `init_comms`, `run_trigger`; `arun` pauses with its module's `anyio`.
- `ActivitySubprocess`: `_on_child_started`, `_last_heartbeat_attempt`, `pid`, and `selector` with
  what `_service_subprocess` does with its entries.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import anyio
from airflow.dag_processing.manager import DagFileProcessorManager
from airflow.executors.base_executor import BaseExecutor, get_execution_api_server_url
from airflow.executors.local_executor import LocalExecutor
from airflow.executors.workloads import ExecutorWorkload
from airflow.jobs.triggerer_job_runner import TriggerRunner, TriggerRunnerSupervisor
from airflow.sdk.execution_time.supervisor import ActivitySubprocess
from airflow.utils.state import TaskInstanceState

__all__ = [
    "ActivitySubprocess",
    "BaseExecutor",
    "DagFileProcessorManager",
    "ExecutorWorkload",
    "LocalExecutor",
    "TaskInstanceState",
    "TriggerRunner",
    "TriggerRunnerSupervisor",
    "get_execution_api_server_url",
]


def use_dag_processor(manager: type[DagFileProcessorManager]) -> None:
    """Have `airflow dag-processor` run another manager."""
    from airflow.cli.commands import dag_processor_command

    dag_processor_command.DagFileProcessorManager = manager  # type: ignore[attr-defined]


def use_task_watch(watch: type[ActivitySubprocess]) -> None:
    """Have workers that are forked from this process watch their task with another class."""
    from airflow.sdk.execution_time import supervisor

    supervisor.ActivitySubprocess = watch  # type: ignore[misc]


def use_triggerer(supervisor: type[TriggerRunnerSupervisor]) -> None:
    """Have `airflow triggerer` run another supervisor."""
    from airflow.jobs import triggerer_job_runner

    triggerer_job_runner.TriggerRunnerSupervisor = supervisor  # type: ignore[misc]


def use_pause(pause: Callable[[float], anyio.CancelScope]) -> None:
    """Have triggers of this process run with another pause between two rounds of their loop."""
    from airflow.jobs import triggerer_job_runner

    pausing = SimpleNamespace(Event=anyio.Event, move_on_after=pause)
    vars(triggerer_job_runner)["anyio"] = pausing

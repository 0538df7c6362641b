"""The Airflow REST API, as far as following a run needs it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitlab_ci_provider.airflow_api.calls import PATIENT, Access, Calls, Patience, RefusedError
from gitlab_ci_provider.airflow_api.dag_wait import wait_for_dag
from gitlab_ci_provider.airflow_api.run_ids import new_run_id

_CONFLICT, _NOT_FOUND = 409, 404
_MARKS, _SETTLES = 10, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """One task of a run, as Airflow sees it; times are ISO 8601.

    Attributes:
        id: of the task instance; the worker that runs it has it in its process title.
    """

    id: str
    task_id: str
    state: str | None
    try_number: int
    started: str | None
    duration: float | None


class AirflowApi:
    """A session with one Airflow.

    Raises:
        StackError: it cannot be reached, or refuses the login.
    """

    def __init__(self, access: Access, patience: Patience = PATIENT):
        self._calls = Calls(access, patience)
        self._ask = self._calls.ask
        self.patience = patience
        self.url = access.url

    def wait_for_dag(self, dag: str, digest: str, file: Path | None = None) -> None:
        """Wait until Airflow shows this version of a DAG, and unpause it.

        Args:
            dag: its name.
            digest: of its pipeline.
            file: that makes it, where it is at hand: then Airflow reads it at once.

        Raises:
            StackError: it cannot be read, or Airflow reads no DAGs.
        """
        wait_for_dag(self._calls, (dag, digest), self.patience.tell, file)
        self._ask("PATCH", f"/dags/{dag}", json={"is_paused": False})

    def trigger(self, dag: str, conf: Mapping[str, Any], run: str = "") -> str:
        """Start a run and return its id.

        The id is chosen before: when the answer is lost, asking again cannot start a second run.
        """
        run = run or new_run_id(str(conf.get("ref") or ""))
        body = {"dag_run_id": run, "conf": dict(conf), "logical_date": None}
        try:
            self._ask("POST", f"/dags/{dag}/dagRuns", json=body)
        except RefusedError as problem:
            if problem.status != _CONFLICT:
                raise
        return run

    def has_run(self, dag: str, run: str) -> bool:
        """Tell whether there is such a run."""
        return self._calls.find(f"/dags/{dag}/dagRuns/{run}") is not None

    def run_state(self, dag: str, run: str) -> str:
        """Tell the state of a run: queued, running, success or failed."""
        return str(self._ask("GET", f"/dags/{dag}/dagRuns/{run}")["state"])

    def wait_for_end(self, dag: str, run: str) -> str:
        """Wait until a run has ended and tell its state."""
        while (state := self.run_state(dag, run)) not in {"success", "failed"}:
            time.sleep(0.5)
        return state

    def stop_run(self, dag: str, run: str) -> str:
        """Mark a run as failed, which stops its tasks and their pods; tell its state afterwards.

        The scheduler may write another state at the same moment: so it is read again, and marked
        again.
        """
        for _ in range(_MARKS):
            self._ask("PATCH", f"/dags/{dag}/dagRuns/{run}", json={"state": "failed"})
            time.sleep(_SETTLES)
            if (state := self.run_state(dag, run)) == "failed":
                return state
        return state

    def play(self, dag: str, run: str, task: str) -> None:
        """Play a manual job that the pipeline waits for; one that does not ask is left alone."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/-1/hitlDetails"
        question = self._calls.find(path)
        if question is None or question["response_received"]:
            return
        answer = {"chosen_options": question["options"][:1], "params_input": {}}
        try:
            self._ask("PATCH", path, json=answer)
        except RefusedError as problem:
            if problem.status != _CONFLICT:  # somebody was faster
                raise

    def tasks(self, dag: str, run: str) -> dict[str, TaskState]:
        """Read the state of every task of a run, by task id."""
        found: dict[str, TaskState] = {}
        while True:
            query = {"limit": 500, "offset": len(found), "order_by": "id"}
            path = f"/dags/{dag}/dagRuns/{run}/taskInstances"
            page = self._ask("GET", path, params=query)
            for one in page["task_instances"]:
                found[one["task_id"]] = _task(one)
            if len(found) >= page["total_entries"] or not page["task_instances"]:
                return found

    def delete_dag(self, dag: str) -> None:
        """Forget a DAG and its runs; one that is not there is forgotten already.

        Raises:
            RefusedError: something of it still runs.
        """
        try:
            self._ask("DELETE", f"/dags/{dag}")
        except RefusedError as problem:
            if problem.status != _NOT_FOUND:
                raise

    def xcom(self, dag: str, run: str, task: str, key: str) -> Any:
        """Read what a task has left under a key; None when it has not."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/{key}"
        found = self._calls.find(path)
        return None if found is None else found["value"]

    def xcoms(self, dag: str, run: str, key: str) -> list[tuple[str, Any]]:
        """Read what the tasks of a run have left under a key, by task."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/~/xcomEntries"
        found = self._ask("GET", path, params={"xcom_key": key, "limit": 500})
        tasks = [one["task_id"] for one in found["xcom_entries"]]
        return [(task, self.xcom(dag, run, task, key)) for task in tasks]

    def log(self, dag: str, run: str, task: TaskState) -> list[str]:
        """Read the lines of a task's log, without Airflow's own fields."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task.task_id}/logs/{task.try_number}"
        content = self._ask("GET", path).get("content") or []
        return [line for one in content for line in _log_lines(one)]

    def run_url(self, dag: str, run: str) -> str:
        """Build the address of a run in the Airflow UI."""
        return f"{self.url}/dags/{dag}/runs/{run}"


def _log_lines(entry: Any) -> list[str]:
    """Read one entry of a task's log: its text, and the words of its exceptions."""
    if not isinstance(entry, dict):
        return [str(entry)]
    failures = entry.get("error_detail") or []
    return [str(entry.get("event", "")), *(str(one.get("exc_value", "")) for one in failures)]


def _task(one: Mapping[str, Any]) -> TaskState:
    return TaskState(
        id=one["id"],
        task_id=one["task_id"],
        state=one["state"],
        try_number=one["try_number"],
        started=one["start_date"],
        duration=one["duration"],
    )

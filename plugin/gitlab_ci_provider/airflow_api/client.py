"""Start, follow and stop runs of an Airflow."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gitlab_ci_provider.airflow_api.dag_wait import wait_for_dag
from gitlab_ci_provider.airflow_api.session import (
    DEFAULT_RETRY_POLICY,
    Access,
    RetryPolicy,
    Session,
)
from gitlab_ci_provider.exceptions import AirflowApiError
from gitlab_ci_provider.model.airflow_states import RUN_ENDED
from gitlab_ci_provider.model.run_address import page_path
from gitlab_ci_provider.model.run_ids import run_id

_CONFLICT, _NOT_FOUND = 409, 404
_LOOK_SECONDS = 0.5
_STOP_TRIES, _STOP_PAUSE_SECONDS = 10, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """One task instance of a run; times are ISO 8601.

    Attributes:
        id: of the task instance; the worker that runs it has it in its process title.
    """

    id: str
    task_id: str
    state: str | None
    try_number: int
    started: str | None
    duration: float | None


def unnumbered_run_id(ref: str, sha: str = "") -> str:
    """Make an ID that no other run has: `main-ef0a4fdb-20260131T120000-3fa9c1`."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return run_id(ref, sha, unique=f"{moment}-{secrets.token_hex(3)}")


class AirflowApi:
    """A session with one Airflow.

    Attributes:
        request: sends any other request, see `Session.request`.
        list_all: reads any other list, see `Session.list_all`.
        get: reads from a plugin of the Airflow, see `Session.get`.
        save: fetches a download from a plugin, see `Session.save`.

    Raises:
        AirflowApiError: it cannot be reached, or refuses the login.
    """

    def __init__(self, access: Access, retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY):
        self._session = Session(access, retry_policy)
        self.request = self._session.request
        self.list_all = self._session.list_all
        self.get = self._session.get
        self.save = self._session.save
        self._tell = retry_policy.tell
        self.url = access.url

    def wait_for_dag(self, dag: str, *, shown: str, file: Path | None = None) -> None:
        """Wait until Airflow shows a DAG as a pipeline needs it, and unpause it.

        Args:
            dag: its name.
            shown: of its pipeline, see `model/topology.py::shown`.
            file: its DAG file, when it is on this machine: then Airflow reads it at once.

        Raises:
            AirflowApiError: Airflow cannot read it, or reads no DAGs at all.
        """
        wait_for_dag(self._session, dag, shown, tell=self._tell, file=file)
        self.request("PATCH", f"/dags/{dag}", json={"is_paused": False})

    def trigger(self, dag: str, conf: Mapping[str, Any], run: str = "") -> str:
        """Start a run and return its id.

        The id is chosen before, so that a retry after a lost response cannot start a second run.
        """
        ref, sha = str(conf.get("ref") or ""), str(conf.get("sha") or "")
        named = {"dag_run_id": run} if run else self._named(dag, ref, sha)
        body = {**named, "conf": dict(conf), "logical_date": None}
        try:
            self.request("POST", f"/dags/{dag}/dagRuns", json=body)
        except AirflowApiError as problem:
            if problem.status != _CONFLICT:
                raise
        return named["dag_run_id"]

    def _named(self, dag: str, ref: str, sha: str) -> dict[str, str]:
        """Have the pipeline page name a run by a number and say what it is for, if it can."""
        place, asked = f"/gitlab-ci/dags/{quote(dag)}/run-id", {"ref": ref, "sha": sha}
        try:
            answer = dict(self._session.post(place, asked))
        except (AirflowApiError, TypeError, ValueError):
            answer = {}
        note = {"note": str(answer["note"])} if "note" in answer else {}
        return {"dag_run_id": str(answer.get("run_id") or unnumbered_run_id(ref, sha)), **note}

    def has_run(self, dag: str, run: str) -> bool:
        """Return whether a run exists."""
        return self._session.find(f"/dags/{dag}/dagRuns/{run}") is not None

    def run_state(self, dag: str, run: str) -> str:
        """Read the state of a run: queued, running, success or failed."""
        return str(self.request("GET", f"/dags/{dag}/dagRuns/{run}")["state"])

    def open_runs(self, dag: str) -> list[str]:
        """List the runs of a DAG that have not ended; empty when there is no such DAG."""
        path, states = f"/dags/{dag}/dagRuns", ["queued", "running"]
        try:
            found = self._session.list_all(path, "dag_runs", state=states)
        except AirflowApiError as problem:
            if problem.status != _NOT_FOUND:
                raise
            return []
        return [run["dag_run_id"] for run in found]

    def wait_for_end(self, dag: str, run: str) -> str:
        """Wait until a run has ended and return its state."""
        while (state := self.run_state(dag, run)) not in RUN_ENDED:
            time.sleep(_LOOK_SECONDS)
        return state

    def stop_run(self, dag: str, run: str) -> str:
        """Mark a run as failed, which stops its tasks and their pods; return its state afterwards.

        The scheduler may write another state at the same moment, so the mark is checked and
        repeated.
        """
        for _ in range(_STOP_TRIES):
            self.request("PATCH", f"/dags/{dag}/dagRuns/{run}", json={"state": "failed"})
            time.sleep(_STOP_PAUSE_SECONDS)
            if (state := self.run_state(dag, run)) == "failed":
                return state
        return state

    def answer_required_action(self, dag: str, run: str, task: str) -> None:
        """Answer a task that awaits input with its first option; leave any other task alone."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/-1/hitlDetails"
        question = self._session.find(path)
        if question is None or question["response_received"]:
            return
        answer = {"chosen_options": question["options"][:1], "params_input": {}}
        try:
            self.request("PATCH", path, json=answer)
        except AirflowApiError as problem:
            if problem.status != _CONFLICT:  # somebody else answered first
                raise

    def tasks(self, dag: str, run: str) -> dict[str, TaskState]:
        """Read the state of every task of a run, by task id."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances"
        found = self._session.list_all(path, "task_instances", order_by="id")
        return {task["task_id"]: _task_state(task) for task in found}

    def delete_dag(self, dag: str) -> None:
        """Delete a DAG and its runs; one that does not exist is deleted already.

        Raises:
            AirflowApiError: one of its tasks still runs.
        """
        try:
            self.request("DELETE", f"/dags/{dag}")
        except AirflowApiError as problem:
            if problem.status != _NOT_FOUND:
                raise

    def xcom(self, dag: str, run: str, task: str, key: str) -> Any:
        """Read an XCom of a task; None when there is none."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/{key}"
        found = self._session.find(path)
        return None if found is None else found["value"]

    def xcoms(self, dag: str, run: str, key: str) -> list[tuple[str, Any]]:
        """Read the XComs with one key of all tasks of a run, by task."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/~/xcomEntries"
        found = self._session.list_all(path, "xcom_entries", xcom_key=key)
        tasks = [entry["task_id"] for entry in found]
        return [(task, self.xcom(dag, run, task, key)) for task in tasks]

    def run_url(self, dag: str, run: str) -> str:
        """Build the address of a pipeline's page in the Airflow UI."""
        return f"{self.url}/{page_path(dag, run)}"


def _task_state(instance: Mapping[str, Any]) -> TaskState:
    return TaskState(
        id=instance["id"],
        task_id=instance["task_id"],
        state=instance["state"],
        try_number=instance["try_number"],
        started=instance["start_date"],
        duration=instance["duration"],
    )

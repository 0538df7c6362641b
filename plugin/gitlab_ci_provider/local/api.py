"""The Airflow REST API, as far as following a run needs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gitlab_ci_provider.exceptions import StackError

if TYPE_CHECKING:
    import httpx


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach an Airflow: with a token, or with user and password to get one."""

    url: str
    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)


class AirflowApi:
    """A session with one Airflow.

    Raises:
        StackError: it cannot be reached, or refuses the login.
    """

    def __init__(self, access: Access):
        import httpx

        self._http = httpx.Client(
            base_url=access.url, timeout=30, trust_env=not _is_here(access.url)
        )
        self.url = access.url
        try:
            token = access.token or self._log_in(access)
        except httpx.TransportError as error:
            raise StackError(f"Airflow at {access.url} does not answer: {error}") from error
        self._http.headers["Authorization"] = f"Bearer {token}"

    def _log_in(self, access: Access) -> str:
        login = {"username": access.user, "password": access.password}
        answer = self._http.post("/auth/token", json=login)
        if not answer.is_success:
            raise StackError(f"Airflow at {access.url} refused the login: {answer.text}")
        return str(answer.json()["access_token"])

    def wait_for_dag(self, dag: str, digest: str, seconds: float = 60) -> None:
        """Wait until Airflow shows this version of a DAG, and unpause it.

        Raises:
            StackError: it does not appear; the message holds Airflow's import errors.
        """
        self._wait(lambda: digest in self._documentation(dag), seconds, dag)
        self._ask("PATCH", f"/dags/{dag}", json={"is_paused": False})

    def trigger(self, dag: str, conf: Mapping[str, Any]) -> str:
        """Start a run and return its id."""
        body = {"conf": dict(conf), "logical_date": None}
        return str(self._ask("POST", f"/dags/{dag}/dagRuns", json=body)["dag_run_id"])

    def run_state(self, dag: str, run: str) -> str:
        """Tell the state of a run: queued, running, success or failed."""
        return str(self._ask("GET", f"/dags/{dag}/dagRuns/{run}")["state"])

    def wait_for_end(self, dag: str, run: str) -> str:
        """Wait until a run has ended and tell its state."""
        while (state := self.run_state(dag, run)) not in {"success", "failed"}:
            time.sleep(0.5)
        return state

    def stop_run(self, dag: str, run: str) -> None:
        """Mark a run as failed, which stops its tasks and their pods."""
        self._ask("PATCH", f"/dags/{dag}/dagRuns/{run}", json={"state": "failed"})

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

    def xcom(self, dag: str, run: str, task: str, key: str) -> Any:
        """Read what a task has left under a key; None when it has not."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/{key}"
        answer = self._http.get(f"/api/v2{path}")
        return answer.json()["value"] if answer.is_success else None

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

    def _documentation(self, dag: str) -> str:
        answer = self._http.get(f"/api/v2/dags/{dag}/details")
        return str(answer.json().get("doc_md")) if answer.is_success else ""

    def _wait(self, ready: Callable[[], bool], seconds: float, dag: str) -> None:
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                errors = self._ask("GET", "/importErrors")["import_errors"]
                listed = "\n".join(str(one["stack_trace"]) for one in errors)
                raise StackError(f"Airflow does not show the DAG {dag}\n{listed}")
            time.sleep(0.1)

    def _ask(self, method: str, path: str, **given: Any) -> Any:
        answer: httpx.Response = self._http.request(method, f"/api/v2{path}", **given)
        if not answer.is_success:
            raise StackError(f"Airflow: {method} {path}: {answer.status_code} {answer.text}")
        return answer.json()


def _is_here(url: str) -> bool:
    """Tell whether an address is on this machine, where no proxy must be asked."""
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}


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

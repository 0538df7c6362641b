"""What a person does in the Airflow UI, through the REST API that the UI itself uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from e2e.embedded import Stack
from e2e.logs import log_lines
from e2e.runs import end_of, wait_for


class Person:
    """Somebody who looks at one run of a repository's DAG."""

    def __init__(self, stack: Stack, repository: Path):
        self.api = stack.api
        self.logs = stack.home.job_logs
        record = stack.add(repository).record
        assert record is not None
        self.dag = record.dag_id
        stack.wait_for_dag(record)
        self.run = self.api.trigger(self.dag, {})

    def states(self) -> dict[str, str | None]:
        """See the state of every task."""
        return {name: task.state for name, task in self.api.tasks(self.dag, self.run).items()}

    def tries(self) -> dict[str, int]:
        """See how often every task was tried."""
        return {name: task.try_number for name, task in self.api.tasks(self.dag, self.run).items()}

    def wait_for_state(self, task: str, *states: str) -> None:
        """Wait until a task is in one of these states."""
        wait_for(lambda: self.states().get(task) in states)

    def wait_for_question(self, task: str) -> None:
        """Wait until a task has asked, and its process is gone.

        Nobody answers sooner; a program could, and Airflow would take the end of that process for
        the end of the task that was resumed.
        """
        self.wait_for_state(task, "awaiting_input")
        self.wait_until_no_process_runs(task)

    def wait_for_end(self) -> str:
        """Wait until the run has ended and tell how."""
        return end_of(self.api, self.dag, self.run)

    def status(self, task: str) -> str:
        """See what the job said that it ended as."""
        return str(self.api.xcom(self.dag, self.run, task, "job_result")["status"])

    def reason(self, task: str) -> str:
        """See GitLab's reason for the failure of a job."""
        return str(self.api.xcom(self.dag, self.run, task, "job_result")["failure_reason"])

    def job_log(self, task: str) -> str:
        """Read what the newest try of a job printed."""
        files = sorted((self.logs / self.dag / self.run / task).glob("*.log"))
        return files[-1].read_text() if files else ""

    def task_log(self, task: str) -> str:
        """Read the newest try's log in Airflow."""
        return "\n".join(
            log_lines(self.api, self.dag, self.run, self.api.tasks(self.dag, self.run)[task])
        )

    def clear(self, *tasks: str, downstream: bool = False) -> None:
        """Clear tasks, with "Downstream" ticked or not."""
        body = {
            "dry_run": False,
            "dag_run_id": self.run,
            "task_ids": tasks,
            "only_failed": False,
            "include_downstream": downstream,
            "reset_dag_runs": True,
        }
        self.api.request("POST", f"/dags/{self.dag}/clearTaskInstances", json=body)

    def question(self, task: str) -> Mapping[str, Any]:
        """Open the required action of a task."""
        found: Mapping[str, Any] = self.api.request("GET", self._action(task))
        return found

    def answer(self, task: str, option: str, **given: Any) -> None:
        """Fill in its form and choose an option."""
        body = {"chosen_options": [option], "params_input": given}
        self.api.request("PATCH", self._action(task), json=body)

    def insist(self, task: str, option: str, **given: Any) -> str:
        """Answer whenever the task asks, until the run has ended, and tell how.

        Airflow may lose an answer that comes within moments of the question.
        """

        def ended() -> bool:
            asks = self.states().get(task) == "awaiting_input"
            if asks and not self.question(task)["response_received"]:
                self.answer(task, option, **given)
            return self.api.run_state(self.dag, self.run) in {"success", "failed"}

        wait_for(ended)
        return self.api.run_state(self.dag, self.run)

    def wait_until_no_process_runs(self, task: str) -> None:
        """Wait until neither the process that ran a task nor its supervisor is there anymore."""
        title = self.api.tasks(self.dag, self.run)[task].id
        wait_for(lambda: not any(title in name for name in _process_titles()))

    def _action(self, task: str) -> str:
        return f"/dags/{self.dag}/dagRuns/{self.run}/taskInstances/{task}/-1/hitlDetails"


def _process_titles() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes().decode(errors="replace")

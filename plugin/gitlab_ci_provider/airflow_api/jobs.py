"""The jobs of one run, as a person sees and changes them through Airflow's REST API alone.

It works with any Airflow that has this provider: nothing is read from its state or its files.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.exceptions import AirflowApiError
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.airflow_states import (
    AWAITING_INPUT,
    ENDED,
    FAILED,
    unfinished_status,
)
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE, STAGE_END
from gitlab_ci_provider.model.run import ABSENT_NOTE, JobStatus

_BRIDGE = "GitlabBridgeOperator"
_FAILED = frozenset({JobStatus.FAILED, JobStatus.CANCELED})
_RAN = frozenset({JobStatus.FAILED, JobStatus.SUCCESS})
_LOOK_SECONDS = 0.5
_UNASKED_LOOKS = 20
"""So often a job is seen running before it counts as one that asks nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job of a run at one moment.

    Attributes:
        name: GitLab's.
        task: Airflow's name of it.
        state: of the task.
        bridge: it has a `trigger:`.
        result: what it left when it ended; empty before.
        followed: it is deferred because the triggerer follows its pod.
    """

    name: str
    task: str
    state: str | None
    try_number: int
    bridge: bool
    note: str
    result: Mapping[str, Any] = field(default_factory=dict)
    followed: bool = False

    @property
    def status(self) -> str:
        """GitLab's word for it."""
        said = str(self.result.get("status") or "")
        if self.state in FAILED:  # it has left a result, or a person has ended it: `results.py`
            return said if said in _FAILED else str(JobStatus.CANCELED)
        if self.state == "skipped" and self.note.startswith(ABSENT_NOTE):
            return str(JobStatus.ABSENT)
        if self.state == "skipped" and said in _RAN:  # before it was cleared: `results.py`
            return str(JobStatus.CANCELED)
        if self.state in ENDED:
            return said or str(self.state)
        if self.state == "deferred" and (self.bridge or self.followed):
            return str(JobStatus.RUNNING)
        return str(unfinished_status(self.state))

    @property
    def reason(self) -> str:
        """Why it ended as it did; of a job that has left nothing, the note of its task."""
        if self.result:
            return str(self.result.get("reason") or "")
        return self.note.removeprefix(ABSENT_NOTE) if self.ended else ""

    @property
    def ended(self) -> bool:
        """Return whether it has ended."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class RunJobs:
    """The jobs of one run."""

    api: AirflowApi
    dag: str
    run: str

    def all(self) -> list[JobState]:
        """Read all jobs as `now` does, and which of them the rules leave out."""
        tasks = [task for task in self._instances() if _is_job(task)]
        unsaid = any(task["state"] == "skipped" and not task.get("note") for task in tasks)
        notes = self._absence_notes() if unsaid else {}
        return [
            _job({**task, "note": task.get("note") or notes.get(task["task_id"])}) for task in tasks
        ]

    def _absence_notes(self) -> Mapping[str, str]:
        """Word the notes that tasks get at the end of the run."""
        found = self.api.xcom(self.dag, self.run, CREATE_PIPELINE, xcom_keys.LEFT_OUT)
        left_out = found if isinstance(found, Mapping) else {}
        return {task: f"{ABSENT_NOTE}{why}" for task, why in left_out.items()}

    def stages(self) -> Mapping[str, str]:
        """Read the stage of each task, in the pipeline's order; empty without a pipeline page."""
        page = f"/gitlab-ci/dags/{quote(self.dag, safe='')}/runs/{quote(self.run, safe='')}"
        try:
            stages = self.api.get(page)["stages"]
        except AirflowApiError:
            return {}
        return {job["task"]: stage["name"] for stage in stages for job in stage["jobs"]}

    def now(self, task: str) -> JobState:
        """Read one job, without what it left."""
        return _job(self.api.request("GET", self._path(task)))

    def one(self, task: str) -> JobState:
        """Read one job, with what it left."""
        return self.complete(self.now(task))

    def complete(self, job: JobState) -> JobState:
        """Add what a job that has ended, or is deferred, has left."""
        if job.ended:
            return replace(job, result=self.result(job.task))
        if job.state == "deferred" and not job.bridge:
            return replace(job, followed=self._is_followed(job.task))
        return job

    def result(self, task: str) -> Mapping[str, Any]:
        """Read what a job left when it ended; empty when it left nothing."""
        found = self.api.xcom(self.dag, self.run, task, xcom_keys.JOB_RESULT)
        return found if isinstance(found, Mapping) else {}

    def _is_followed(self, task: str) -> bool:
        return bool(self.api.xcom(self.dag, self.run, task, xcom_keys.FOLLOWED))

    def play(self, job: JobState, given: Mapping[str, Any]) -> None:
        """Play a manual job, or start a delayed one.

        Args:
            job: with its result.
            given: inputs by name, and `variables`.

        Raises:
            AirflowApiError: it cannot be played as it is now.
        """
        if job.state == AWAITING_INPUT:
            self._answer(job.task, given)
            return
        delayed = job.state == "deferred" and job.status == JobStatus.SCHEDULED
        if job.status != JobStatus.MANUAL and not delayed:
            message = f"'{job.name}' is {job.status}: only manual and delayed jobs are played"
            raise AirflowApiError(message)
        # A delayed job plays when it is cleared alone.
        self._clear([job.task] if delayed else [job.task, *self._skipped_because_of(job.task)])
        self._answer_if_asked(job, given)

    def retry(self, jobs: Iterable[JobState], *, downstream: bool) -> None:
        """Run jobs again, and decide again about the later jobs that they kept from running.

        With them the ends of the stages, so that later jobs wait again.

        Args:
            jobs: that have ended.
            downstream: run all later jobs again, too.
        """
        tasks: dict[str, None] = {}
        for job in jobs:
            later = self._later(job.task) if downstream else self._skipped_because_of(job.task)
            tasks |= dict.fromkeys((job.task, *later))
        self._clear(list(tasks))

    def cancel(self, job: JobState) -> None:
        """Cancel a job that has not ended."""
        self.api.request("PATCH", self._path(job.task), json={"new_state": "failed"})

    def _skipped_because_of(self, task: str) -> list[str]:
        """List the later jobs that were skipped; jobs that rules left out have left no result."""
        later = self._instances_of_later(task)
        ended = [one["task_id"] for one in later if _is_job(one) and one["state"] in ENDED]
        skipped = [name for name in ended if self.result(name).get("status") == JobStatus.SKIPPED]
        return [*skipped, *(one["task_id"] for one in later if not _is_job(one))]

    def _later(self, task: str) -> list[str]:
        later = self._instances_of_later(task)
        return [one["task_id"] for one in later if one["state"] is not None]

    def _instances_of_later(self, task: str) -> list[Mapping[str, Any]]:
        """Read all later tasks but the last, as Airflow would clear them."""
        body = {**self._clearing([task]), "dry_run": True, "include_downstream": True}
        answer = self.api.request("POST", f"/dags/{self.dag}/clearTaskInstances", json=body)
        left_out = {task, CREATE_PIPELINE, FINISH_PIPELINE}
        return [one for one in answer["task_instances"] if one["task_id"] not in left_out]

    def _clear(self, tasks: list[str]) -> None:
        """Clear tasks, and with them the end of the run, if that has been reached."""
        finish = self.api.request("GET", self._path(FINISH_PIPELINE))["state"]
        cleared = [*tasks, *([FINISH_PIPELINE] if finish in ENDED else [])]
        body = self._clearing(cleared)
        self.api.request("POST", f"/dags/{self.dag}/clearTaskInstances", json=body)

    def _clearing(self, tasks: list[str]) -> dict[str, Any]:
        return {
            "dry_run": False,
            "dag_run_id": self.run,
            "task_ids": tasks,
            "only_failed": False,
            "include_downstream": False,
            "reset_dag_runs": True,
        }

    def _answer_if_asked(self, job: JobState, given: Mapping[str, Any]) -> None:
        """Answer the question of a job that asks for inputs or for a confirmation."""
        looks = 0
        while given or looks < _UNASKED_LOOKS:
            state = self.api.request("GET", self._path(job.task))["state"]
            if state == AWAITING_INPUT:
                self._answer(job.task, given)
                return
            if state in {"success", "failed", "up_for_retry"}:
                break
            looks += state in {"running", "deferred"}
            time.sleep(_LOOK_SECONDS)
        if given:
            message = f"'{job.name}' was played, and did not ask for the inputs or variables"
            raise AirflowApiError(message)

    def _answer(self, task: str, given: Mapping[str, Any]) -> None:
        """Answer a question; again if Airflow has lost the answer, as it may at once after asking.

        Raises:
            AirflowApiError: the job asks again.
        """
        for _ in range(2):
            self._answer_once(task, given)
            while self.api.request("GET", self._path(task))["state"] == AWAITING_INPUT:
                time.sleep(_LOOK_SECONDS)
                if not self._question(task)["response_received"]:
                    break
            else:
                return
        message = f"'{task}' asks again: its log says why it does not accept the answer"
        raise AirflowApiError(message)

    def _answer_once(self, task: str, given: Mapping[str, Any]) -> None:
        question = self._question(task)
        if question["response_received"]:
            return  # somebody else was faster
        answer = {"chosen_options": question["options"][:1], "params_input": dict(given)}
        self.api.request("PATCH", f"{self._path(task)}/-1/hitlDetails", json=answer)

    def _question(self, task: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.api.request("GET", f"{self._path(task)}/-1/hitlDetails")
        return found

    def _instances(self) -> list[Mapping[str, Any]]:
        path = f"/dags/{self.dag}/dagRuns/{self.run}/taskInstances"
        return self.api.list_all(path, "task_instances", order_by="id")

    def _path(self, task: str) -> str:
        return f"/dags/{self.dag}/dagRuns/{self.run}/taskInstances/{task}"


def _is_job(instance: Mapping[str, Any]) -> bool:
    own = {CREATE_PIPELINE, FINISH_PIPELINE}
    return instance["task_id"] not in own and instance.get("operator_name") != STAGE_END


def _job(instance: Mapping[str, Any]) -> JobState:
    return JobState(
        name=str(instance["task_display_name"]),
        task=instance["task_id"],
        state=instance["state"],
        try_number=instance["try_number"],
        bridge=instance.get("operator_name") == _BRIDGE,
        note=str(instance.get("note") or ""),
    )

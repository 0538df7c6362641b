"""A run as a person follows it: GitLab's job states from Airflow's task states, as they change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitlab_ci_provider.airflow_api.client import RUN_END_STATES, AirflowApi, TaskState
from gitlab_ci_provider.local.follow.downstream import DownstreamRun, downstream_runs, is_settled
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.names import CREATE_PIPELINE, task_ids
from gitlab_ci_provider.model.pipeline import Pipeline

_BY_AIRFLOW = {
    None: "created",
    "none": "created",
    "scheduled": "pending",
    "queued": "pending",
    "up_for_retry": "pending",
    "restarting": "pending",
    "running": "running",
    "deferred": "delayed",
    "awaiting_input": "blocked",
    "success": "success",
    "failed": "failed",
    "upstream_failed": "failed",
    "skipped": "skipped",
    "removed": "skipped",
}
_CREATED = {"success", "skipped"}
"""States of `create_pipeline` after which the decisions are there; skipped: no pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """One job at one moment.

    Attributes:
        status: GitLab's word; `blocked` is a manual job that the pipeline waits for.
        started: ISO 8601; None before it started.
        duration: seconds, of a job that has ended.
    """

    name: str
    stage: str
    status: str
    task: TaskState | None
    started: str | None = None
    duration: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A run at one moment."""

    state: str
    jobs: tuple[JobProgress, ...]
    tasks: Mapping[str, TaskState]

    @property
    def ended(self) -> bool:
        """Tell whether the run is over."""
        return self.state in RUN_END_STATES

    @property
    def blocked(self) -> tuple[str, ...]:
        """Name the manual jobs that a run waits for when nothing else goes on."""
        moving = {"pending", "running", "delayed"}
        if any(job.status in moving for job in self.jobs):
            return ()
        return tuple(job.name for job in self.jobs if job.status == "blocked")


@dataclass(slots=True)
class Follower:
    """Follows one run."""

    api: AirflowApi
    dag: str
    run: str
    pipeline: Pipeline
    _decisions: Mapping[str, Any] | None = None

    def look(self) -> Snapshot:
        """Read the run as it is now."""
        state = self.api.run_state(self.dag, self.run)
        tasks = self.api.tasks(self.dag, self.run)
        created = tasks.get(CREATE_PIPELINE)
        if self._decisions is None and created is not None and created.state in _CREATED:
            record = self.api.xcom(self.dag, self.run, CREATE_PIPELINE, xcom_keys.PIPELINE)
            self._decisions = record["decisions"] if record else None
        return Snapshot(state=state, jobs=tuple(self._jobs(tasks)), tasks=tasks)

    def downstream(self) -> list[DownstreamRun]:
        """Find the pipelines that the run has created so far."""
        if not any(job.bridge for job in self.pipeline.jobs.values()):
            return []
        return list(downstream_runs(self.api, self.dag, self.run))

    def decision(self, job: str) -> Mapping[str, Any] | None:
        """Read what the rules decided for a job; None before they have."""
        return None if self._decisions is None else self._decisions[job]

    def play(self, job: str) -> None:
        """Play a manual job that the pipeline waits for."""
        self.api.answer_required_action(self.dag, self.run, task_ids(self.pipeline.jobs)[job])

    def _jobs(self, tasks: Mapping[str, TaskState]) -> Iterator[JobProgress]:
        names = task_ids(self.pipeline.jobs)
        order = {stage: position for position, stage in enumerate(self.pipeline.stages)}
        for job in sorted(self.pipeline.jobs.values(), key=lambda one: order[one.stage]):
            task = tasks.get(names[job.name])
            yield JobProgress(
                name=job.name,
                stage=job.stage,
                status=self._status(job.name, task),
                task=task,
                started=task.started if task else None,
                duration=task.duration if task else None,
            )

    def _status(self, job: str, task: TaskState | None) -> str:
        status = _BY_AIRFLOW.get(task.state if task else None, "running")
        if status == "skipped" and self._decisions is not None:
            decision = self._decisions[job]
            if not decision["present"]:
                return "absent"
            if decision["when"] == "manual" and decision["allow_failure"]["allowed"]:
                return self._manual_or_skipped(job)
        if status == "delayed" and self.pipeline.jobs[job].bridge is not None:
            return self._waiting_bridge(job)
        return status

    def _waiting_bridge(self, job: str) -> str:
        """Tell a bridge whose pipeline goes on from one whose pipeline waits for a person."""
        task = task_ids(self.pipeline.jobs)[job]
        own = [one for one in self.downstream() if (one.above, one.task) == (self.run, task)]
        stuck = bool(own) and all(is_settled(self.api, one) for one in own)
        if stuck and not any(self.api.run_state(one.dag, one.run) in RUN_END_STATES for one in own):
            return "blocked"
        return "running"

    def _manual_or_skipped(self, job: str) -> str:
        task = task_ids(self.pipeline.jobs)[job]
        result = self.api.xcom(self.dag, self.run, task, xcom_keys.JOB_RESULT)
        return str(result["status"]) if result else "skipped"

"""A run in progress: the status of each job, as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gitlab_ci_provider.airflow_api.client import AirflowApi, TaskState
from gitlab_ci_provider.local.follow.downstream import DownstreamRun, downstream_runs, is_settled
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.airflow_states import (
    AWAITING_INPUT,
    FAILED,
    RUN_ENDED,
    States,
    unfinished_status,
)
from gitlab_ci_provider.model.names import CREATE_PIPELINE, task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.run import JobResult, JobStatus, PipelineRun
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.schedule.results import statuses

BLOCKED, DELAYED = "blocked", "delayed"
"""Words for a manual job that the pipeline waits for, and for a delayed job."""

_CREATED = {"success", "skipped"}
"""States of `create_pipeline` in which the decisions exist; skipped means no pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """One job at one moment.

    Attributes:
        status: of the job, or `blocked` or `delayed`.
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
class RunProgress:
    """A run at one moment."""

    state: str
    jobs: tuple[JobProgress, ...]
    tasks: Mapping[str, TaskState]

    @property
    def ended(self) -> bool:
        """Return whether the run is over."""
        return self.state in RUN_ENDED

    @property
    def blocked(self) -> tuple[str, ...]:
        """Name the manual jobs that the run waits for, when nothing else is running."""
        moving = {JobStatus.PENDING, JobStatus.RUNNING, DELAYED}
        if any(job.status in moving for job in self.jobs):
            return ()
        return tuple(job.name for job in self.jobs if job.status == BLOCKED)


@dataclass(slots=True)
class Follower:
    """Follows one run."""

    api: AirflowApi
    dag: str
    run: str
    pipeline: Pipeline
    _decisions: Mapping[str, JobDecision] | None = None
    _left: dict[str, Any] = field(default_factory=dict)
    _followed: set[str] = field(default_factory=set)
    _played: set[str] = field(default_factory=set)

    def look(self) -> RunProgress:
        """Read the run as it is now."""
        state = self.api.run_state(self.dag, self.run)
        tasks = self.api.tasks(self.dag, self.run)
        created = tasks.get(CREATE_PIPELINE)
        if self._decisions is None and created is not None and created.state in _CREATED:
            record = self.api.xcom(self.dag, self.run, CREATE_PIPELINE, xcom_keys.PIPELINE)
            if record:
                made = convert(record, PipelineRun)
                self._decisions = made.decisions
                self._played.update(made.played)
        jobs = tuple(self._jobs(tasks, over=state in RUN_ENDED))
        return RunProgress(state=state, jobs=jobs, tasks=tasks)

    def downstream(self) -> list[DownstreamRun]:
        """Find the pipelines that the run has created so far."""
        if not any(job.bridge for job in self.pipeline.jobs.values()):
            return []
        return list(downstream_runs(self.api, self.dag, self.run))

    def decision(self, job: str) -> JobDecision | None:
        """Read what the rules decided for a job; None before they have."""
        return None if self._decisions is None else self._decisions[job]

    def result(self, task: TaskState) -> dict[str, Any]:
        """Read the result that the task of a job left; empty when there is none."""
        if task.id not in self._left:
            found = self.api.xcom(self.dag, self.run, task.task_id, xcom_keys.JOB_RESULT)
            self._left[task.id] = found or {}
        left: dict[str, Any] = self._left[task.id]
        return left

    def play(self, job: str) -> None:
        """Play a manual job that the pipeline waits for."""
        self.api.answer_required_action(self.dag, self.run, task_ids(self.pipeline.jobs)[job])

    def _jobs(self, tasks: Mapping[str, TaskState], *, over: bool) -> Iterator[JobProgress]:
        names = task_ids(self.pipeline.jobs)
        own = {job: tasks[task] for job, task in names.items() if task in tasks}
        words = self._statuses(own, over=over)
        order = {stage: position for position, stage in enumerate(self.pipeline.stages)}
        for job in sorted(self.pipeline.jobs.values(), key=lambda job: order[job.stage]):
            task = own.get(job.name)
            yield JobProgress(
                name=job.name,
                stage=job.stage,
                status=self._word(job.name, words[job.name], task),
                task=task,
                started=task.started if task else None,
                duration=task.duration if task else None,
            )

    def _statuses(self, tasks: Mapping[str, TaskState], *, over: bool) -> Mapping[str, JobStatus]:
        states = {job: task.state for job, task in tasks.items()}
        if self._decisions is None:
            return {job: _undecided(job, states, over=over) for job in self.pipeline.jobs}

        def told(job: str) -> JobResult | None:
            result = self.result(tasks[job])
            return convert(result, JobResult) if result else None

        self._played.update(job for job, task in tasks.items() if _has_waited(task))
        return statuses(self.pipeline, self._decisions, states, told, played=self._played)

    def _word(self, job: str, status: JobStatus, task: TaskState | None) -> str:
        state = task.state if task else None
        if state == AWAITING_INPUT:
            return BLOCKED
        if state == "deferred" and task and self._is_followed(task):
            return JobStatus.RUNNING
        if state == "deferred" and self.pipeline.jobs[job].bridge is not None:
            return BLOCKED if self._waits_below(job) else JobStatus.RUNNING
        return DELAYED if status == JobStatus.SCHEDULED else status

    def _is_followed(self, task: TaskState) -> bool:
        """Tell whether the pod of a deferred job runs, and the triggerer follows it."""
        if task.id in self._followed:
            return True
        found = self.api.xcom(self.dag, self.run, task.task_id, xcom_keys.FOLLOWED)
        if found:
            self._followed.add(task.id)
        return bool(found)

    def _waits_below(self, job: str) -> bool:
        """Return whether the pipeline of a bridge waits for a person and for nothing else."""
        task = task_ids(self.pipeline.jobs)[job]
        own = [run for run in self.downstream() if (run.above, run.task) == (self.run, task)]
        return bool(own) and all(
            is_settled(self.api, run) and self.api.run_state(run.dag, run.run) not in RUN_ENDED
            for run in own
        )


def _has_waited(task: TaskState) -> bool:
    """Return whether a manual or delayed job whose task runs after this does more than decide."""
    return task.state in {AWAITING_INPUT, "deferred"} or task.try_number > 1


def _undecided(job: str, states: States, *, over: bool) -> JobStatus:
    """Name the status of a job of a run that has no decisions, or has none yet.

    Tasks of jobs that the rules leave out are skipped a moment before the decisions can be read.
    """
    state = states.get(job)
    if state in FAILED:
        return JobStatus.FAILED
    if state == "success" or (state == "skipped" and over):
        return JobStatus(state)
    return unfinished_status(state)

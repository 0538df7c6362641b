"""The jobs of a run as the pipeline page shows them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from gitlab_ci_provider.airflow_internals.run_rows import TaskRow, XComs
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.airflow_states import AWAITING_INPUT, FAILED, unfinished_status
from gitlab_ci_provider.model.diagnostic import SourceLocation
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.reports import CaseStatus
from gitlab_ci_provider.model.rules import JobDecision, When
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.model.run_address import page_path, read_address
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.plugins.page.view import JobView, PlaceView, StageView
from gitlab_ci_provider.schedule.results import results

WARNING = "warning"
"""Status of a job that failed and was allowed to, and of a pipeline with such a job."""

_NOTHING = JobResult(status=JobStatus.CREATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJobs:
    """What is known of the jobs of a run.

    Attributes:
        decisions: about its jobs; empty before `create_pipeline` has made them.
        tasks: by task ID.
        xcoms: what the tasks have left.
    """

    pipeline: Pipeline
    decisions: Mapping[str, JobDecision]
    tasks: Mapping[str, TaskRow]
    xcoms: XComs


def stage_views(run: RunJobs) -> tuple[StageView, ...]:
    """Show the stages that have jobs, in their order."""
    names = task_ids(run.pipeline.jobs)
    told = {job: _result(run, task) for job, task in names.items()}
    ends = _ends(run, names, told)
    stages: dict[str, list[JobView]] = defaultdict(list)
    for job in run.pipeline.jobs.values():
        made = _Shown(run, job, names[job.name], ends.get(job.name), told[job.name])
        stages[job.stage].append(made.view())
    return tuple(
        StageView(name=stage, jobs=tuple(stages[stage]))
        for stage in run.pipeline.stages
        if stage in stages
    )


def _ends(
    run: RunJobs, names: Mapping[str, str], told: Mapping[str, JobResult | None]
) -> dict[str, JobResult]:
    """Return how jobs have ended, as far as they have."""
    states = {job: run.tasks[task].state for job, task in names.items() if task in run.tasks}
    if set(run.decisions) >= set(run.pipeline.jobs):
        return results(run.pipeline, run.decisions, states, told.get, canceled=True)
    found = {job: _undecided(state) for job, state in states.items()}
    return {job: JobResult(status=status) for job, status in found.items() if status}


def _undecided(state: str | None) -> JobStatus | None:
    """Return how a job of a run without decisions has ended; None when it has not."""
    if state in FAILED:
        return JobStatus.FAILED
    return JobStatus(state) if state in {"success", "skipped"} else None


def _result(run: RunJobs, task: str) -> JobResult | None:
    """Read what a job has left; another version of this package may have written it."""
    said = run.xcoms.get(xcom_keys.JOB_RESULT, {}).get(task)
    try:
        return None if said is None else convert(said, JobResult)
    except msgspec.ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class _Shown:
    """One job: `end` is how it has ended, `told` what it has left."""

    run: RunJobs
    job: Job
    task_id: str
    end: JobResult | None
    told: JobResult | None

    def view(self) -> JobView:
        job, decision, task = self.job, self.decision, self.task
        end = self.end or _NOTHING
        waits = task is not None and task.state == AWAITING_INPUT
        return JobView(
            name=job.name,
            task=self.task_id,
            group=job.group or job.name,
            status=self._status(),
            when=str(decision.when if decision else job.when),
            allowed=(decision.allow_failure if decision else job.allow_failure).allowed,
            blocking=waits,
            bridge=job.bridge is not None,
            parallel=job.parallel is not None,
            needs=self._needs(),
            reason=end.reason,
            why=decision.reason if decision else "",
            failure=end.failure_reason.words if end.failure_reason else "",
            exit_code=end.exit_code,
            written=place_view(job.location, self.run.pipeline),
            rule=self._rule(),
            **self._times(),
            **self._left(),
        )

    @property
    def decision(self) -> JobDecision | None:
        return self.run.decisions.get(self.job.name)

    @property
    def task(self) -> TaskRow | None:
        return self.run.tasks.get(self.task_id)

    def _status(self) -> str:
        if self.end is not None:
            failed = self.end.status == JobStatus.FAILED
            return WARNING if failed and self.end.allowed_failure else self.end.status
        status = unfinished_status(self.task.state if self.task else None)
        if status == JobStatus.SCHEDULED and (self.job.bridge is not None or self._is_followed()):
            return JobStatus.RUNNING
        return status

    def _is_followed(self) -> bool:
        """Return whether the task is deferred because the triggerer follows its pod."""
        return bool(self.run.xcoms.get(xcom_keys.FOLLOWED, {}).get(self.task_id))

    def _rule(self) -> PlaceView | None:
        found = rule_location(self.job, self.decision)
        return place_view(found, self.run.pipeline) if found else None

    def _needs(self) -> tuple[str, ...] | None:
        decided = self.decision.needs if self.decision else None
        needs = self.job.needs if decided is None else decided
        return None if needs is None else tuple(need.job for need in needs)

    def _times(self) -> dict[str, Any]:
        """Tell when a job ran; one that never did has no times, though its task has."""
        task, status = self.task, self._status()
        idle = {JobStatus.ABSENT, JobStatus.SKIPPED, JobStatus.MANUAL, JobStatus.CREATED}
        if task is None or status in idle:
            return {}
        ended = self.end is not None
        times: dict[str, Any] = {
            "tries": task.tries,
            "started": iso(task.started),
            "ended": iso(task.ended) if ended else "",
            "duration": task.duration if ended else None,
        }
        decision = self.decision
        if status == JobStatus.SCHEDULED and decision and decision.when == When.DELAYED:
            since = task.started
            due = since.timestamp() + (decision.start_in or 0) if since else None
            times["due"] = iso(datetime.fromtimestamp(due, since.tzinfo)) if since and due else ""
        return times

    def _left(self) -> dict[str, Any]:
        """Tell what a job that has ended has left."""
        link = self.run.xcoms.get(xcom_keys.DOWNSTREAM_LINK, {}).get(self.task_id)
        below = read_address(str(link or ""))
        left: dict[str, Any] = {"downstream": page_path(below.dag, below.run) if below else ""}
        if self.told is None or self.end is None or self.end.status in _NEVER_RAN:
            return left
        summaries = {report.kind: report.summary for report in self.told.reports}
        tests, quality = summaries.get("junit"), summaries.get("codequality")
        place = self.told.environment
        return {
            **left,
            "coverage": self.told.coverage,
            "tests": {} if tests is None else {key: tests.get(key, 0) for key in CaseStatus},
            "findings": None if quality is None else quality.get("total", 0),
            "artifacts": len(self.told.artifacts) + len(self.told.reports),
            "archive": bool(self.told.artifacts),
            "environment": place.name if place else "",
            "environment_url": safe_url(place.url) if place else "",
        }


def rule_location(job: Job, decision: JobDecision | None) -> SourceLocation | None:
    """Find the rule that decided about a job; where none matches, the first; None without rules."""
    rules, number = job.rules or (), (decision.rule if decision else None) or 0
    return rules[number].location if number < len(rules) else None


def place_view(place: SourceLocation, pipeline: Pipeline) -> PlaceView:
    """Show a place in a file of a pipeline."""
    own = place.file not in {included.file for included in pipeline.lock}
    return PlaceView(file=place.file, line=place.line, own=own)


_NEVER_RAN = frozenset({JobStatus.ABSENT, JobStatus.SKIPPED, JobStatus.MANUAL})


def iso(moment: datetime | None) -> str:
    """Write a time as ISO 8601; empty when there is none."""
    return moment.isoformat() if moment else ""


def safe_url(url: str) -> str:
    """Return an address that a page may link to; empty for `javascript:` and the like."""
    return url if url.startswith(("https://", "http://")) else ""

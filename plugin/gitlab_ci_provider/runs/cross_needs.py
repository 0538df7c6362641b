"""Artifacts of other pipelines: `needs:pipeline:job` and `needs:project`.

Source: GitLab's `Ci::BuildDependencies`. Unlike GitLab, `needs:pipeline:job` reaches every pipeline
of the project, not only those of the same family.

As GitLab's job token, a job reaches another project only when that project lists its own, see
`project_settings.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from gitlab_ci_provider.airflow_internals.tasks import run_is_open
from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.dag_runs import RunKey, pipeline_of, result_of
from gitlab_ci_provider.hooks.project_settings import VARIABLE, may_reach
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.needs import CrossNeed
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.retention.guard import Guard
from gitlab_ci_provider.retention.permission import Permission
from gitlab_ci_provider.runs.context import RunContext
from gitlab_ci_provider.variables.expand import expand_on_server
from gitlab_ci_provider.variables.masking import masked_errors

_WORDS = "This job could not start because it could not retrieve the needed artifacts"

MAX_LOOKS = 100
"""How many pipelines of a ref are searched for the latest successful job."""


def cross_results(
    run: RunContext, needs: tuple[CrossNeed, ...], variables: Variables
) -> dict[str, JobResult]:
    """Find the results of other pipelines' jobs for a job, by their names in its log.

    Args:
        run: of the job.
        needs: of the job.
        variables: of the job, expanded.

    Raises:
        SystemFailure: something is not available; the job must not start.
    """
    search = _Search(run=run, variables=variables)
    with masked_errors(variables.masked_values):
        found = (search.find(need) for need in needs if need.job and need.artifacts)
        return dict(each for each in found if each)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    run: RunContext
    variables: Variables

    def find(self, need: CrossNeed) -> tuple[str, JobResult] | None:
        """Find what one need refers to, and a label for it; None for no job that it must have."""
        project, ref, number, job = (
            expand_on_server(written or "", self.variables)
            for written in (need.project, need.ref, need.pipeline, need.job)
        )
        own = self.run.record.project.path
        if project:
            label = f"{job} of {project}@{ref}"
            _check(own, project, label)
            found = self._latest(project, ref, job)
        else:
            label = f"{job} of pipeline {number}"
            entry = self._pipeline(own, number)
            if need.optional and not (entry and self._is_in(entry, job)):
                return None
            found = self._result(entry, job) if entry else None
        if found is None or not (found.artifacts or found.reports):
            message = f"{label} does not exist, has left no artifacts, or they have expired"
            raise SystemFailure(
                f"{_WORDS}: {message}", reason=FailureReason.MISSING_DEPENDENCY_FAILURE
            )
        return label, found

    def _pipeline(self, project: str, number: str) -> PipelineEntry | None:
        entry = self.run.state.register.get(int(number)) if number.isdecimal() else None
        return entry if entry and entry.project == project else None

    def _is_in(self, entry: PipelineEntry, job: str) -> bool:
        """Return whether a pipeline has a job, however it ends."""
        key = RunKey(dag=entry.dag_id, run=entry.run_id)
        run = pipeline_of(self.run.context, key)
        return run is not None and job in run.decisions and run.decisions[job].present

    def _latest(self, project: str, ref: str, job: str) -> JobResult | None:
        """Return the newest successful job of a ref."""
        register = self.run.state.register
        refs = (Ref(name=ref, sha="", kind=kind) for kind in (RefKind.BRANCH, RefKind.TAG))
        numbers = (
            number for ref in refs for number in islice(register.numbers(project, ref), MAX_LOOKS)
        )
        entries = (register.get(number) for number in numbers)
        results = (self._result(entry, job) for entry in entries if entry)
        good = (result for result in results if result and result.status == JobStatus.SUCCESS)
        return next(good, None)

    def _result(self, entry: PipelineEntry, job: str) -> JobResult | None:
        names = task_ids(self.run.state.snapshots.load_pipeline(entry.digest).jobs)
        if job not in names:
            return None
        key = RunKey(dag=entry.dag_id, run=entry.run_id)
        result = result_of(self.run.context, key, names[job])
        return result and self._without_expired(entry, result)

    def _without_expired(self, entry: PipelineEntry, result: JobResult) -> JobResult:
        """Leave out artifacts whose time is over, though nobody has deleted them yet."""
        run = self.run
        guard = Guard(run.state.register, run_is_open, run.settings.retention)
        permission = Permission(guard=guard, now=run.state.snapshots.clock())
        left = (
            each for each in result.artifacts if not permission.is_over(entry.id, each.expire_at)
        )
        return replace(result, artifacts=tuple(left))


def _check(project: str, other: str, label: str) -> None:
    """Refuse what the other project does not allow, regardless of whether it exists."""
    if may_reach(project, other):
        return
    hint = f"add it to `job_token_scope` of {other} in the Airflow Variable {VARIABLE}"
    message = f"{_WORDS}: {label}: {other} does not allow {project} to take them ({hint})"
    raise SystemFailure(message, reason=FailureReason.MISSING_DEPENDENCY_FAILURE)

"""Artifacts of other pipelines: `needs:pipeline:job` and `needs:project`.

Source: GitLab's `Ci::BuildDependencies`. Unlike GitLab, `needs:pipeline:job` reaches every pipeline
of the project, not only those of the same family.

As GitLab's job token, a job reaches another project only when that project lists its own, see
`project_settings.py`.
"""

from __future__ import annotations

from itertools import islice

from airflow.sdk import Context

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.dag_runs import RunKey, result_of
from gitlab_ci_provider.hooks.project_settings import VARIABLE, may_reach
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.needs import CrossNeed
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.model.run import JobResult, JobStatus, PipelineRun
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from gitlab_ci_provider.variables.expand import expand_on_server

MAX_LOOKS = 100
"""Pipelines of a ref that are looked at for the latest successful job."""


def cross_results(
    context: Context,
    run: PipelineRun,
    needs: tuple[CrossNeed, ...],
    variables: Variables,
    settings: Settings,
) -> dict[str, JobResult]:
    """Find what jobs of other pipelines have left for a job, by what its log calls them.

    Args:
        context: of the running task.
        run: the job's own pipeline.
        needs: of the job.
        variables: of the job, expanded.
        settings: where pipelines are registered.

    Raises:
        SystemFailure: something cannot be had; the job must not start.
    """
    search = _Search(context, settings, variables)
    return dict(search.find(need, run) for need in needs if need.job and need.artifacts)


class _Search:
    def __init__(self, context: Context, settings: Settings, variables: Variables):
        self.context = context
        self.variables = variables
        state = open_state(settings)
        self.register, self.store = state.register, state.snapshots

    def find(self, need: CrossNeed, run: PipelineRun) -> tuple[str, JobResult]:
        """Find what one need names, and a label for it."""
        project, ref, number, job = (
            expand_on_server(one or "", self.variables)
            for one in (need.project, need.ref, need.pipeline, need.job)
        )
        if project:
            label = f"{job} of {project}@{ref}"
            _check(run.project.path, project, label)
            found = self._latest(project, ref, job)
        else:
            label = f"{job} of pipeline {number}"
            found = self._of_family(run.project.path, number, job)
        if found is None or not (found.artifacts or found.reports):
            message = f"{label} does not exist or has left no artifacts"
            raise SystemFailure(
                f"{_WORDS}: {message}", reason=FailureReason.MISSING_DEPENDENCY_FAILURE
            )
        return label, found

    def _of_family(self, project: str, number: str, job: str) -> JobResult | None:
        entry = self.register.get(int(number)) if number.isdecimal() else None
        return self._result(entry, job) if entry and entry.project == project else None

    def _latest(self, project: str, ref: str, job: str) -> JobResult | None:
        """Give the newest successful job of a ref."""
        refs = (Ref(name=ref, sha="", kind=kind) for kind in (RefKind.BRANCH, RefKind.TAG))
        numbers = (
            number
            for ref in refs
            for number in islice(self.register.numbers(project, ref), MAX_LOOKS)
        )
        entries = (self.register.get(number) for number in numbers)
        results = (self._result(entry, job) for entry in entries if entry)
        return next((one for one in results if one and one.status == JobStatus.SUCCESS), None)

    def _result(self, entry: PipelineEntry, job: str) -> JobResult | None:
        names = task_ids(self.store.load_pipeline(entry.digest).jobs)
        if job not in names:
            return None
        return result_of(self.context, RunKey(dag=entry.dag_id, run=entry.run_id), names[job])


def _check(project: str, other: str, label: str) -> None:
    """Refuse what the other project does not allow, whether it exists or not."""
    if may_reach(project, other):
        return
    hint = f"add it to `job_token_scope` of {other} in the Airflow Variable {VARIABLE}"
    message = f"{_WORDS}: {label}: {other} does not allow {project} to take them ({hint})"
    raise SystemFailure(message, reason=FailureReason.MISSING_DEPENDENCY_FAILURE)


_WORDS = "This job could not start because it could not retrieve the needed artifacts"

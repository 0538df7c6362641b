"""Creating the pipeline of a run: which commit, which variables, which jobs, and why."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.log import mask_secret

from gitlab_ci_provider.airflow_internals.tasks import (
    DownstreamTasksSkipped,
    skip_all,
    skip_now,
    skip_others,
)
from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.hooks.ci_variables import configured_variables
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.diagnostic import Diagnostic
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE, task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision, PipelineDecision
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.planner.resource_group import resource_groups
from gitlab_ci_provider.runs.cancel.auto import cancel_redundant
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.create.cache_files import file_keys
from gitlab_ci_provider.runs.create.pinned import Pinned, pin
from gitlab_ci_provider.runs.create.redirect import redirect
from gitlab_ci_provider.runs.create.scheduled import with_schedule
from gitlab_ci_provider.runs.create.upstream import pin_child, take_over
from gitlab_ci_provider.runs.form import RunForm, read_form
from gitlab_ci_provider.runs.record import push_left_out, push_problem, push_run
from gitlab_ci_provider.runs.registration import enter, same_commit
from gitlab_ci_provider.runs.report.run import begin
from gitlab_ci_provider.runs.resource_group.turn import announce
from gitlab_ci_provider.runs.task_errors import TaskFailed, said
from gitlab_ci_provider.schedule.auto_cancel import settle
from gitlab_ci_provider.schedule.selection import select
from gitlab_ci_provider.variables.configured import refuse_withheld
from gitlab_ci_provider.variables.masking import Masker
from gitlab_ci_provider.variables.stored import secret_values

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a run asks for.

    Attributes:
        dag: the record of the run's DAG.
        shown: the pipeline whose jobs the DAG has.
    """

    dag: DagRecord
    shown: Pipeline
    form: RunForm


def read_request(task: TaskContext, digest: str) -> Request:
    """Read what a run asks for: its form, or what the bridge that started it has passed on.

    Raises:
        ConfigError: a value is not valid, or the run may not ask for it.
    """
    dag_run, snapshots = task.context["dag_run"], task.state.snapshots
    dag, shown = snapshots.load_dag(task.dag_id), snapshots.load_pipeline(digest)
    form = read_form(shown, task.context["params"], scheduled=dag_run.run_type == "scheduled")
    form = with_schedule(task, dag, take_over(task, dag, same_commit(task, form)))
    form = replace(form, user=dag_run.triggering_user_name or "")
    return Request(dag=dag, shown=shown, form=form)


def create(task: TaskContext, request: Request) -> None:
    """Create the pipeline.

    Raises:
        GitlabCiError: the ref, its file or its rules are wrong.
        TaskDeferred: Airflow has not read the DAG that fits; resumed with `retry_start`.
        AirflowSkipException: there is no pipeline in this run.
        DownstreamTasksSkipped: some jobs are not in the pipeline.
    """
    pinned = _pin(task, request)
    _redirect(task, request, pinned)
    decision = _decide(request.form, pinned)
    record = _record(task, request.form, pinned, decision)
    if record.created:
        record = begin(task, enter(record, task.state.register))
    push_run(task, record)
    if record.created:
        cancel_redundant(task, record)
        announce(task, record)
    _skip_absent(task, record)


@contextmanager
def giving_up(task: TaskContext) -> Iterator[None]:
    """Mark the jobs when there will be no pipeline: each of them says why.

    Raises:
        TaskFailed: the ref, its file or its rules are wrong, and would be again.
    """
    try:
        yield
    except GitlabCiError as problem:
        _give_up(task, str(problem))
        raise TaskFailed(str(problem)) from problem
    except (AirflowSkipException, DownstreamTasksSkipped):
        raise
    except Exception as problem:
        ti = task.context["ti"]
        if ti.try_number > ti.max_tries:
            _give_up(task, said(problem).replace("the task", CREATE_PIPELINE))
        raise


def _give_up(task: TaskContext, problem: str) -> None:
    push_problem(task, problem)
    ours = {CREATE_PIPELINE, FINISH_PIPELINE}
    jobs = [name for name in task.context["dag"].task_ids if name not in ours]
    push_left_out(task, dict.fromkeys(jobs, f"no pipeline: {problem}"))
    skip_now(jobs)


def _pin(task: TaskContext, request: Request) -> Pinned:
    """Fetch the commit that is asked for and compile it."""
    dag, form = request.dag, request.form
    if not form.ref:
        form = replace(form, ref=dag.ref.unmistakable)
    configured = configured_variables(dag.project, task.settings)
    for value in secret_values(configured):
        mask_secret(value)  # before an error could quote one
    refuse_withheld(configured, form.variables, protected=False)
    pinned = pin_child(task, form, configured) or pin(task, dag, form, configured)
    refuse_withheld(configured, form.variables, protected=pinned.ref.protected)
    _log.info("%s at %s, commit %s", dag.project.path, pinned.ref.name, pinned.ref.sha)
    return pinned


def _redirect(task: TaskContext, request: Request, pinned: Pinned) -> None:
    """End here when the pipeline's jobs are in another DAG, and continue there."""
    moved_to = redirect(task, request.dag, request.shown, pinned)
    if moved_to is None:
        return
    task.context["ti"].xcom_push(
        key=xcom_keys.MOVED_TO, value={"dag": moved_to.dag, "run": moved_to.run}
    )
    reason = f"its jobs are in another DAG, it runs as {moved_to.url(task.context)}"
    jobs = {
        name: JobDecision(job=name, present=False, reason=reason) for name in request.shown.jobs
    }
    decision = PipelineDecision(created=False, reason=reason, jobs=jobs)
    push_run(task, _record(task, request.form, pinned, decision))
    skip_all(task_ids(request.shown.jobs).values(), reason)


def _decide(form: RunForm, pinned: Pinned) -> PipelineDecision:
    from gitlab_ci_provider.rules.evaluate import decide_pipeline  # DAG parsing needs no RE2

    masker = Masker(secret_values(pinned.context.configured))
    decision = redact(decide_pipeline(pinned.pipeline, pinned.context), masker)
    for problem in decision.errors:
        _log.error("%s", problem)
    if decision.errors:
        listed = "; ".join(problem.message for problem in decision.errors)
        raise GitlabCiError(f"no pipeline: {listed}")
    if (form.jobs or form.stages) and decision.created:
        jobs = select(
            pinned.pipeline, decision.jobs, form.jobs, stages=form.stages, alone=form.no_needs
        )
        decision = replace(decision, jobs=jobs)
    if unknown := [name for name in form.manual if name not in decision.jobs]:
        raise GitlabCiError(f"this pipeline has no such jobs to play: {', '.join(unknown)}")
    for job in decision.jobs.values():
        _log.info("%s: %s (%s)", job.job, job.when if job.present else "absent", job.reason)
    return decision


def redact(decision: PipelineDecision, masker: Masker) -> PipelineDecision:
    """Hide secrets in a decision's texts: they are logged and kept in an XCom."""
    return replace(
        decision,
        name=None if decision.name is None else masker.text(decision.name),
        reason=masker.text(decision.reason),
        errors=_redacted(decision.errors, masker),
        jobs={
            name: replace(
                job,
                reason=masker.text(job.reason),
                errors=_redacted(job.errors, masker),
            )
            for name, job in decision.jobs.items()
        },
    )


def _redacted(errors: Iterable[Diagnostic], masker: Masker) -> tuple[Diagnostic, ...]:
    return tuple(replace(problem, message=masker.text(problem.message)) for problem in errors)


def _record(
    task: TaskContext, form: RunForm, pinned: Pinned, decision: PipelineDecision
) -> PipelineRun:
    wanted = pinned.context
    record = PipelineRun(
        project=wanted.project,
        ref=wanted.ref,
        commit=wanted.commit,
        source=wanted.source,
        digest=pinned.digest,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        name=decision.name,
        variables=wanted.variables,
        workflow_variables=decision.variables,
        created=decision.created,
        reason=decision.reason,
        decisions=decision.jobs if decision.created else _all_absent(decision),
        file_keys=file_keys(pinned.pipeline, pinned.repository, wanted.ref.sha),
        config_path=wanted.config_path,
        inputs=wanted.inputs,
        merge_request=wanted.merge_request,
        schedule=form.schedule,
        schedule_id=form.schedule_id,
        earlier=pinned.earlier,
        dag_id=task.dag_id,
        run_id=task.run_id,
        variable_places=wanted.configured.places,
        user=form.user,
        upstream=form.upstream,
        played=form.manual,
        auto_cancel=settle(pinned.pipeline.workflow.auto_cancel, decision.auto_cancel),
    )
    record = replace(
        record, resource_groups=resource_groups(record, pinned.pipeline, wanted.configured)
    )
    return replace(record, variables=Variables()) if record.schedule_id else record


def _all_absent(decision: PipelineDecision) -> dict[str, JobDecision]:
    reason = f"no pipeline: {decision.reason}"
    return {name: replace(job, present=False, reason=reason) for name, job in decision.jobs.items()}


def _skip_absent(task: TaskContext, record: PipelineRun) -> None:
    """Skip the tasks of jobs that are not in the pipeline: they cost no worker."""
    names = task_ids(record.decisions)
    absent = {names[name]: job.reason for name, job in record.decisions.items() if not job.present}
    if absent:
        push_left_out(task, absent)
    if not record.created:
        skip_all(names.values(), record.reason)
    skip_others(absent)

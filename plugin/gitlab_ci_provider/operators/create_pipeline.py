"""The first task of a run: which commit, which variables, which jobs, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, Context
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
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE, task_ids
from gitlab_ci_provider.model.rules import JobDecision, PipelineDecision
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.operators.links import UpstreamLink
from gitlab_ci_provider.runs.cancel.auto import cancel_redundant
from gitlab_ci_provider.runs.create.cache_files import file_keys
from gitlab_ci_provider.runs.create.commit import Pinned, pin
from gitlab_ci_provider.runs.create.redact import without_secrets
from gitlab_ci_provider.runs.create.redirect import hand_over
from gitlab_ci_provider.runs.create.upstream import pin_child, take_over, upstream_url
from gitlab_ci_provider.runs.failing import TaskFailed
from gitlab_ci_provider.runs.form import RunForm, read_form
from gitlab_ci_provider.runs.record import push_left_out, push_problem, push_run
from gitlab_ci_provider.runs.registration import enter, same_commit
from gitlab_ci_provider.runs.resource_group.turn import announce
from gitlab_ci_provider.schedule.auto_cancel import settle
from gitlab_ci_provider.schedule.selection import select
from gitlab_ci_provider.settings import Settings, load_settings
from gitlab_ci_provider.state import open_state
from gitlab_ci_provider.variables.masking import Masker
from gitlab_ci_provider.variables.stored import secret_values

_LATER = timedelta(seconds=10)


class CreatePipelineOperator(BaseOperator):
    """Pins a commit, evaluates the rules and records a decision for every job.

    Jobs that the rules leave out are marked skipped at once: they cost no worker.
    """

    template_fields = ()
    ui_color = "#e8e2f5"
    operator_extra_links = (UpstreamLink(),)

    def __init__(self, *, digest: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.digest = digest
        self.upstream_url = ""

    def execute(self, context: Context) -> None:
        """Create the pipeline.

        Raises:
            TaskFailed: the ref, its file or its rules are wrong, and would be again.
            AirflowSkipException: there is no pipeline; the message says why.
            DownstreamTasksSkipped: some jobs are not in the pipeline.
        """
        try:
            self._create(context)
        except GitlabCiError as problem:
            self._give_up(context, str(problem))
            raise TaskFailed(str(problem)) from problem
        except (AirflowSkipException, DownstreamTasksSkipped):
            raise
        except Exception as problem:
            if context["ti"].try_number > context["ti"].max_tries:
                self._give_up(context, f"{type(problem).__name__}, see the log of {self.task_id}")
            raise

    def look_again(self, context: Context, event: Any = None) -> None:  # noqa: ARG002 - Airflow's
        """Go on: perhaps Airflow has read the new DAG by now."""
        self.execute(context)

    def _give_up(self, context: Context, problem: str) -> None:
        """Leave the jobs without a pipeline: none of them starts, and each says why."""
        push_problem(context, problem)
        ours = {CREATE_PIPELINE, FINISH_PIPELINE}
        jobs = [task for task in context["dag"].task_ids if task not in ours]
        push_left_out(context, dict.fromkeys(jobs, f"no pipeline: {problem}"))
        skip_now(jobs)

    def _create(self, context: Context) -> None:
        settings = load_settings()
        form, pinned = self._pin(context, settings)
        self._move(context, form, pinned, settings)
        decision = self._decide(form, pinned)
        run = self._record(context, form, pinned, decision)
        run = enter(run, open_state(settings).register) if run.created else run
        push_run(context, run)
        if run.created:
            cancel_redundant(context, settings, run, self.log)
            announce(settings, run, self.log)
        names = task_ids(run.decisions)
        absent = {names[job]: one.reason for job, one in run.decisions.items() if not one.present}
        if absent:
            push_left_out(context, absent)
        if not run.created:
            skip_all(names.values(), run.reason)
        skip_others(absent)

    def _pin(self, context: Context, settings: Settings) -> tuple[RunForm, Pinned]:
        """Read what is asked, fetch its commit and compile it."""
        store = open_state(settings).snapshots
        record, shown = store.load_dag(self.dag_id), store.load_pipeline(self.digest)
        scheduled = context["dag_run"].run_type == "scheduled"
        form = read_form(shown, context["params"], scheduled=scheduled)
        form = same_commit(form, self.dag_id, context["ti"].run_id, open_state(settings).register)
        form = take_over(context, record, form)
        form = replace(form, user=context["dag_run"].triggering_user_name or "")
        self.upstream_url = upstream_url(context, form.upstream)
        if not form.ref:
            form = replace(form, ref=record.ref.unmistakable)
        given = configured_variables(record.project.path)
        for value in secret_values(given):
            mask_secret(value)  # before anything can fail and quote one
        child = pin_child(context, form, settings, given)
        pinned = child or pin(record, form, settings, given)
        self.log.info("%s at %s, commit %s", record.project.path, pinned.ref.name, pinned.ref.sha)
        return form, pinned

    def _move(self, context: Context, form: RunForm, pinned: Pinned, settings: Settings) -> None:
        """End here when the pipeline's jobs are in another DAG, and go on there."""
        store = open_state(settings).snapshots
        record, shown = store.load_dag(self.dag_id), store.load_pipeline(self.digest)
        moved = hand_over(context, record, pinned, settings)
        if moved is None:
            return
        if not moved.started:
            self.log.info("Airflow has yet to read the new DAG %s", moved.key.dag)
            self.defer(trigger=TimeDeltaTrigger(_LATER), method_name="look_again")
        context["ti"].xcom_push(
            key=xcom_keys.MOVED_TO, value={"dag": moved.key.dag, "run": moved.key.run}
        )
        reason = f"its jobs are in another DAG, it runs as {moved.key.url(context)}"
        jobs = {name: JobDecision(job=name, present=False, reason=reason) for name in shown.jobs}
        decision = PipelineDecision(created=False, reason=reason, jobs=jobs)
        push_run(context, self._record(context, form, pinned, decision))
        skip_all(task_ids(shown.jobs).values(), reason)

    def _decide(self, form: RunForm, pinned: Pinned) -> PipelineDecision:
        from gitlab_ci_provider.rules.evaluate import decide_pipeline  # DAG parsing needs no RE2

        masker = Masker(secret_values(pinned.context.configured))
        decision = without_secrets(decide_pipeline(pinned.pipeline, pinned.context), masker)
        for problem in decision.errors:
            self.log.error("%s", problem)
        if decision.errors:
            listed = "; ".join(problem.message for problem in decision.errors)
            raise GitlabCiError(f"no pipeline: {listed}")
        if form.jobs and decision.created:
            decision = replace(decision, jobs=select(pinned.pipeline, decision.jobs, form.jobs))
        if unknown := [name for name in form.manual if name not in decision.jobs]:
            raise GitlabCiError(f"no job '{', '.join(unknown)}' to play in this pipeline")
        for one in decision.jobs.values():
            state = one.when if one.present else "absent"
            self.log.info("%s: %s (%s)", one.job, state, one.reason)
        return decision

    def _record(
        self, context: Context, form: RunForm, pinned: Pinned, decision: PipelineDecision
    ) -> PipelineRun:
        wanted = pinned.context
        return PipelineRun(
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
            file_keys=file_keys(pinned.pipeline, pinned.files),
            config_path=wanted.config_path,
            inputs=wanted.inputs,
            merge_request=wanted.merge_request,
            schedule=form.schedule,
            earlier=pinned.earlier,
            dag_id=self.dag_id,
            run_id=context["ti"].run_id,
            variable_places=wanted.configured.places,
            user=form.user,
            upstream=form.upstream,
            played=form.manual,
            auto_cancel=settle(pinned.pipeline.workflow.auto_cancel, decision.auto_cancel),
        )


def _all_absent(decision: PipelineDecision) -> dict[str, Any]:
    reason = f"no pipeline: {decision.reason}"
    return {name: replace(one, present=False, reason=reason) for name, one in decision.jobs.items()}

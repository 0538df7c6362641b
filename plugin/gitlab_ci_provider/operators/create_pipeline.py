"""The first task of a run: which commit, which variables, which jobs, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException, DownstreamTasksSkipped
from airflow.sdk.log import mask_secret

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.hooks.ci_variables import configured_variables
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.rules import PipelineDecision
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.operators.auto_cancel import cancel_redundant
from gitlab_ci_provider.operators.cache_files import file_keys
from gitlab_ci_provider.operators.decision_words import without_secrets
from gitlab_ci_provider.operators.links import UpstreamLink
from gitlab_ci_provider.operators.numbers import enter
from gitlab_ci_provider.operators.pinned import Pinned, check_topology, pin
from gitlab_ci_provider.operators.resource_turn import announce
from gitlab_ci_provider.operators.run_form import RunForm, read_form
from gitlab_ci_provider.operators.run_record import push_run
from gitlab_ci_provider.operators.upstream import pin_child, take_over, upstream_url
from gitlab_ci_provider.schedule.auto_cancel import settle
from gitlab_ci_provider.schedule.selection import select
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.variables.masking import Masker
from gitlab_ci_provider.variables.stored import secret_values


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
            AirflowFailException: the ref, its file or its rules are wrong, and would be again.
            DownstreamTasksSkipped: some jobs are not in the pipeline.
        """
        try:
            run = self._create(context)
        except GitlabCiError as problem:
            raise AirflowFailException(str(problem)) from problem
        run = enter(run, load_settings().register) if run.created else run
        push_run(context, run)
        if run.created:
            cancel_redundant(context, load_settings(), run, self.log)
            announce(load_settings(), run, self.log)
        names = task_ids(run.decisions)
        absent = [names[job] for job, decision in run.decisions.items() if not decision.present]
        if absent:
            raise DownstreamTasksSkipped(tasks=absent)

    def _create(self, context: Context) -> PipelineRun:
        settings = load_settings()
        store = SnapshotStore(settings.snapshots)
        record = store.load_dag(self.dag_id)
        shown = store.load_pipeline(self.digest)
        scheduled = context["dag_run"].run_type == "scheduled"
        form = read_form(shown, context["params"], scheduled=scheduled)
        form = take_over(context, record, form)
        form = replace(form, user=context["dag_run"].triggering_user_name or "")
        self.upstream_url = upstream_url(context, form.upstream)
        pinned = pin_child(context, form.upstream, settings) or pin(
            record, form.ref or record.project.default_branch, settings
        )
        check_topology(shown, pinned.pipeline)
        self.log.info("%s at %s, commit %s", record.project.path, pinned.ref.name, pinned.ref.sha)
        decision = self._decide(record, form, pinned)
        if form.jobs:
            jobs = select(pinned.pipeline, decision.jobs, form.jobs)
            decision = replace(decision, jobs=jobs)
        return self._record(context, record, form, (pinned, decision))

    def _decide(self, record: DagRecord, form: RunForm, pinned: Pinned) -> PipelineDecision:
        from gitlab_ci_provider.rules.evaluate import decide_pipeline  # DAG parsing needs no RE2

        context = _rule_context(record, form, pinned)
        secrets = secret_values(context.configured)
        for value in secrets:
            mask_secret(value)
        decision = without_secrets(decide_pipeline(pinned.pipeline, context), Masker(secrets))
        for problem in decision.errors:
            self.log.error("%s", problem)
        if decision.errors:
            raise GitlabCiError("no pipeline: " + "; ".join(decision.errors))
        if not decision.created:
            self.log.warning("no pipeline: %s", decision.reason)
        for one in decision.jobs.values():
            state = one.when if one.present else "absent"
            self.log.info("%s: %s (%s)", one.job, state, one.reason)
        return decision

    def _record(
        self,
        context: Context,
        record: DagRecord,
        form: RunForm,
        found: tuple[Pinned, PipelineDecision],
    ) -> PipelineRun:
        pinned, decision = found
        ti = context["ti"]
        jobs = decision.jobs
        if not decision.created:
            jobs = {
                name: replace(one, present=False, reason=f"no pipeline: {decision.reason}")
                for name, one in jobs.items()
            }
        return PipelineRun(
            project=record.project,
            ref=_protected(record, pinned),
            commit=pinned.files.commit(),
            source=form.source,
            digest=pinned.digest,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            name=decision.name,
            variables=form.variables,
            workflow_variables=decision.variables,
            created=decision.created,
            reason=decision.reason,
            decisions=jobs,
            file_keys=file_keys(pinned),
            run_id=ti.run_id,
            dag_id=ti.dag_id,
            user=form.user,
            upstream=form.upstream,
            auto_cancel=settle(pinned.pipeline.workflow.auto_cancel, decision.auto_cancel),
        )


def _rule_context(record: DagRecord, form: RunForm, pinned: Pinned) -> PipelineContext:
    from gitlab_ci_provider.rules.wanted import wanted

    context = PipelineContext(
        project=record.project,
        ref=_protected(record, pinned),
        source=form.source,
        variables=form.variables,
        commit=pinned.files.commit(),
        configured=configured_variables(record.project.path),
        user=form.user,
        upstream=form.upstream,
    )
    if not wanted(pinned.pipeline, context).tree:
        return context
    return replace(context, tree_paths=frozenset(pinned.files.paths()))


def _protected(record: DagRecord, pinned: Pinned) -> Ref:
    """Treat the default branch as protected, as GitLab does unless told otherwise."""
    is_default = pinned.ref.name == record.project.default_branch
    return replace(pinned.ref, protected=is_default)

"""The last task of a run: it alone gives the run its state, by GitLab's rules."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.runs.cancel.jobs import sweep
from gitlab_ci_provider.runs.failing import TaskFailed
from gitlab_ci_provider.runs.record import (
    ended_jobs,
    own_states,
    pull_run,
    push_end,
    with_coverage,
)
from gitlab_ci_provider.runs.registration import close, close_run
from gitlab_ci_provider.schedule.finish import PipelineResult, PipelineStatus, finish
from gitlab_ci_provider.schedule.results import complete
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state


class FinishPipelineOperator(BaseOperator):
    """Ends the run as passed, passed with warnings, failed, canceled or skipped."""

    template_fields = ()
    ui_color = "#e8e2f5"

    def __init__(self, **kwargs: Any):
        super().__init__(trigger_rule="all_done", **kwargs)

    def execute(self, context: Context) -> None:
        """Tell how the pipeline ended, in the log and as XCom `pipeline_result`.

        Raises:
            TaskFailed: the pipeline failed; the message names the jobs.
            AirflowSkipException: there was no pipeline.
        """
        try:
            self._finish(context)
        except GitlabCiError as problem:
            reason = str(problem)
            push_end(context, PipelineResult(status=PipelineStatus.FAILED, reason=reason))
            close_run(
                context["ti"].dag_id, context["ti"].run_id, open_state(load_settings()).register
            )
            raise TaskFailed(reason) from problem

    def _finish(self, context: Context) -> None:
        states = own_states(context)
        run = pull_run(context, states)
        if not run.created:
            push_end(context, PipelineResult(status=PipelineStatus.SKIPPED, reason=run.reason))
            raise AirflowSkipException(f"no pipeline: {run.reason}")
        settings = load_settings()
        pipeline = open_state(settings).snapshots.load_pipeline(run.digest)
        ended = complete(run.decisions, ended_jobs(context, run, pipeline, states))
        result = finish(with_coverage(context, pipeline, ended))
        push_end(context, result, run.name)
        self.log.info("pipeline %s: %s", run.id, result.text)
        close(run, open_state(settings).register, result.status.in_api)
        sweep(settings, run, ended, self.log)
        if result.status in {PipelineStatus.FAILED, PipelineStatus.CANCELED}:
            raise TaskFailed(result.text)

"""The operator of the first task of a run."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator, Context

from gitlab_ci_provider.operators.links import UpstreamLink
from gitlab_ci_provider.runs.context import open_task
from gitlab_ci_provider.runs.create.pipeline import create, giving_up, read_request
from gitlab_ci_provider.runs.create.upstream import upstream_url


class CreatePipelineOperator(BaseOperator):
    """Pins a commit, evaluates the rules and records a decision for every job.

    Jobs that the rules leave out are marked skipped at once: they cost no worker.

    Args:
        digest: of the pipeline whose jobs the DAG has.
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
        task = open_task(context)
        with giving_up(task):
            request = read_request(task, self.digest)
            self.upstream_url = upstream_url(task, request.form.upstream)
            create(task, request)

    def retry_start(self, context: Context, event: Any = None) -> None:  # noqa: ARG002 - Airflow's
        """Start again: perhaps Airflow has read the new DAG by now."""
        self.execute(context)

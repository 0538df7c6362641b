"""The operator of a `trigger:` job, which GitLab calls a bridge: no pod, but another pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.sdk import BaseOperator, Context

from gitlab_ci_provider.exceptions import JobFailure
from gitlab_ci_provider.operators.job_task import JobTask
from gitlab_ci_provider.operators.links import DownstreamLink
from gitlab_ci_provider.runs import start
from gitlab_ci_provider.runs.bridge.run import BridgeTry
from gitlab_ci_provider.runs.job_run import JobRun


class GitlabBridgeOperator(JobTask, BaseOperator):
    """Creates the downstream pipeline of one `trigger:` job, and waits for it as `strategy` says.

    Args:
        job: the job's name in the pipeline.
    """

    template_fields = ()
    ui_color = "#e3ecfd"
    operator_extra_links = (DownstreamLink(),)

    def __init__(self, *, job: str, **kwargs: Any):
        super().__init__(trigger_rule="all_done", do_xcom_push=False, **kwargs)
        self.job = job
        self.downstream_url = ""

    def run_job(self, run: JobRun) -> None:
        """Create the pipeline."""
        with self._bridge(run) as bridge:
            bridge.create()

    def fail_job(self, run: JobRun, failure: JobFailure) -> None:
        """End the job without a pipeline."""
        with self._bridge(run) as bridge:
            bridge.fail(failure)

    def resume(self, context: Context, event: Any = None) -> None:
        """Take over the status of the pipeline that was waited for."""
        with self._bridge(start.open_job(context, self.job)) as bridge:
            bridge.resume(gone=event == "gone")

    @contextmanager
    def _bridge(self, run: JobRun) -> Iterator[BridgeTry]:
        """Yield the bridge at work; however that ends, the task's link leads to its pipeline."""
        bridge = BridgeTry(run)
        try:
            yield bridge
        finally:
            self.downstream_url = bridge.url

"""The operator of the last task of a run."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator, Context

from gitlab_ci_provider.runs.context import open_task
from gitlab_ci_provider.runs.finish import finish_pipeline


class FinishPipelineOperator(BaseOperator):
    """Ends the run as passed, passed with warnings, failed, canceled or skipped."""

    template_fields = ()
    ui_color = "#e8e2f5"

    def __init__(self, **kwargs: Any):
        super().__init__(trigger_rule="all_done", **kwargs)

    def execute(self, context: Context) -> None:
        """Tell how the pipeline ended, in the log and as XCom `pipeline_result`."""
        finish_pipeline(open_task(context))

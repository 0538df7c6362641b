"""The operator that tells GitLab what pipelines have left to be told."""

from __future__ import annotations

from airflow.sdk import BaseOperator, Context

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.runs.context import open_task
from gitlab_ci_provider.runs.report.send import send_left
from gitlab_ci_provider.runs.task_errors import TaskFailedForNow


class SendReportsOperator(BaseOperator):
    """Sends statuses, deployments, releases and comments that GitLab does not have yet.

    They were left when GitLab was away, a worker died, or a person ended the run. Returns how many
    pipelines GitLab was told of.
    """

    template_fields = ()
    ui_color = "#e8e2f5"

    def execute(self, context: Context) -> int:
        """Send them.

        Raises:
            TaskFailedForNow: GitLab does not answer; the rest waits for the next run.
        """
        task = open_task(context)
        try:
            return send_left(task.settings, task.state, task.state.snapshots.clock())
        except GitlabCiError as problem:
            raise TaskFailedForNow(str(problem)) from problem

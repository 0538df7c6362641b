"""The operator that stops environments whose time or branch is over."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from airflow.sdk import BaseOperator, Context

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.runs.context import open_task
from gitlab_ci_provider.runs.stop_environments import stop_due
from gitlab_ci_provider.runs.task_errors import TaskFailedForNow


class StopEnvironmentsOperator(BaseOperator):
    """Stops environments whose `auto_stop_in` or branch is over; returns those whose job is played.

    A task cannot play a job. It says which, and the scheduler does it at the end of this run, see
    `plugins/stop_environments.py`.
    """

    template_fields = ()
    ui_color = "#e8e2f5"

    def execute(self, context: Context) -> list[str]:
        """Find them.

        Raises:
            TaskFailedForNow: the state is away; the next run looks again.
        """
        try:
            jobs = stop_due(open_task(context), datetime.now(UTC))
        except GitlabCiError as problem:
            raise TaskFailedForNow(str(problem)) from problem
        context["ti"].xcom_push(xcom_keys.TO_PLAY, [asdict(job) for job in jobs])
        return [job.environment for job in jobs]

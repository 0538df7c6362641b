"""What the tasks of all jobs have in common: how they start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Context

from gitlab_ci_provider.exceptions import JobFailure, SystemFailure
from gitlab_ci_provider.runs import start
from gitlab_ci_provider.runs.job_run import JobRun


class JobTask:
    """The task of a job; Airflow resumes a task that waits with the method that it has named.

    A mixin and no operator of its own: Airflow would give it a constructor, which hides that of the
    operator next to it.
    """

    job: str

    def run_job(self, run: JobRun) -> None:
        """Run a job that starts now."""
        raise NotImplementedError

    def fail_job(self, run: JobRun, failure: JobFailure) -> None:
        """End a job that could not start."""
        raise NotImplementedError

    def execute(self, context: Context) -> None:
        """Start the job, or end it without running when GitLab would."""
        self.begin(context)

    def begin(self, context: Context, event: Any = None) -> None:  # noqa: ARG002 - Airflow passes it
        """Begin, perhaps once more after jobs that the DAG could not have it wait for."""
        self.run_job(start.begin(start.open_job(context, self.job)))

    def play(self, context: Context, event: Any = None) -> None:
        """Run a job that a person has played, or end it as they said."""
        self.run_job(start.answered(start.open_job(context, self.job), event or {}))

    def resume_delayed(self, context: Context, event: Any = None) -> None:  # noqa: ARG002 - as above
        """Run a delayed job whose time has come."""
        self.run_job(start.played(start.open_job(context, self.job)))

    def retry_start(self, context: Context, event: Any = None) -> None:
        """Run a job that has waited, once it had started, for its resource group or for a DAG."""
        run = start.started(start.open_job(context, self.job))
        problem = event.get("problem") if isinstance(event, Mapping) else ""
        if problem:
            failure = SystemFailure(f"its resource group is out of reach: {problem}")
            self.fail_job(run, failure)
        else:
            self.run_job(run)

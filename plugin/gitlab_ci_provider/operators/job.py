"""The operator of a job that runs in a pod."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Context

from gitlab_ci_provider.exceptions import JobFailure
from gitlab_ci_provider.model.workspace import BUILD_CONTAINER
from gitlab_ci_provider.operators.followed_pod import FollowedPodOperator
from gitlab_ci_provider.operators.job_task import JobTask
from gitlab_ci_provider.operators.links import EnvironmentLink
from gitlab_ci_provider.runs import start
from gitlab_ci_provider.runs.job.execute import fail, run_pod
from gitlab_ci_provider.runs.job.handover import unpack
from gitlab_ci_provider.runs.job.taken_back import own_pod
from gitlab_ci_provider.runs.job_run import JobRun


class GitlabJobOperator(JobTask, FollowedPodOperator):
    """Runs one GitLab CI job as a Kubernetes pod.

    A `KubernetesPodOperator` in labels, reattachment and clean-up, so that what is known of that
    one holds here. Unlike it, the pod is watched instead of polled, and nothing passes through
    Jinja.

    Args:
        job: the job's name in the pipeline.
        deploys: it has an environment, which the task links to.
    """

    template_fields = ()
    ui_color = "#fdf1e3"

    def __init__(self, *, job: str, deploys: bool = False, **kwargs: Any):
        super().__init__(
            base_container_name=BUILD_CONTAINER,
            trigger_rule="all_done",
            do_xcom_push=False,
            random_name_suffix=False,
            **kwargs,
        )
        self.job = job
        if deploys:
            self.operator_extra_links = (EnvironmentLink(),)

    def run_job(self, run: JobRun) -> None:
        """Run the job's pod to its end."""
        run_pod(self, run)

    def follow_on(self, context: Context, event: Any = None) -> None:
        """Run the job's pod to its end, after the triggerer has followed it."""
        run = start.started(start.open_job(context, self.job, has_pod=True))
        run_pod(self, run, own_pod(context, unpack(event)))

    def fail_job(self, run: JobRun, failure: JobFailure) -> None:
        """End the job without a pod."""
        fail(run, failure)

"""The operator of a job that runs in a pod."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Context
from kubernetes import client as k8s

from gitlab_ci_provider.airflow_internals.tasks import failed_trigger
from gitlab_ci_provider.exceptions import JobFailure
from gitlab_ci_provider.hooks.kubernetes import client_of
from gitlab_ci_provider.hooks.outages import patient
from gitlab_ci_provider.model.workspace import BUILD_CONTAINER
from gitlab_ci_provider.operators.job_task import JobTask
from gitlab_ci_provider.operators.links import EnvironmentLink
from gitlab_ci_provider.runs import start
from gitlab_ci_provider.runs.job.execute import fail, run_pod
from gitlab_ci_provider.runs.job.handover import unpack
from gitlab_ci_provider.runs.job.taken_back import own_pod, taken_back
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.settings import load_settings


class GitlabJobOperator(JobTask, KubernetesPodOperator):
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

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context
    ) -> Any:
        """Go on; a trigger that has failed, or that no triggerer has run, does not fail the job."""
        problem = failed_trigger(next_method, next_kwargs)
        handed = None if problem is None else taken_back(context, problem)
        if handed is None:
            return super().resume_execution(next_method, next_kwargs, context)
        return self.follow_on(context, handed)

    def fail_job(self, run: JobRun, failure: JobFailure) -> None:
        """End the job without a pod."""
        fail(run, failure)

    @cached_property
    def client(self) -> k8s.CoreV1Api:
        """Return a client that bears outages of Kubernetes' API."""
        # Airflow asks for it, too, when it stops the task, so that no context can be passed.
        outage = load_settings().kubernetes_outage
        return patient(client_of(self.hook), outage, self.log)

"""What operators have in common whose pod is followed as a job's is."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Context
from kubernetes import client as k8s

from gitlab_ci_provider.airflow_internals.tasks import failed_trigger
from gitlab_ci_provider.hooks.kubernetes import client_of
from gitlab_ci_provider.hooks.outages import patient
from gitlab_ci_provider.pods.grace import grace_of_job
from gitlab_ci_provider.runs.job import told_to_end
from gitlab_ci_provider.runs.job.taken_back import taken_back
from gitlab_ci_provider.settings import load_settings


class FollowedPodOperator(KubernetesPodOperator):
    """A pod that is watched instead of polled, by a worker or by the triggerer."""

    def follow_on(self, context: Context, event: Any = None) -> Any:
        """Run the pod to its end, after the triggerer has followed it."""
        raise NotImplementedError

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context
    ) -> Any:
        """Go on; a trigger that has failed, or that no triggerer has run, does not fail the job."""
        problem = failed_trigger(next_method, next_kwargs)
        handed = None if problem is None else taken_back(context, problem)
        if handed is None:
            return super().resume_execution(next_method, next_kwargs, context)
        return self.follow_on(context, handed)

    def on_kill(self) -> None:
        """Delete the pod, unless only the worker is to end."""
        needed = grace_of_job(self.pod) if self.pod else None
        if needed is not None:
            self.termination_grace_period = needed
        told_to_end.tell(super().on_kill)

    @cached_property
    def client(self) -> k8s.CoreV1Api:
        """Return a client that bears outages of Kubernetes' API."""
        # Airflow asks for it, too, when it stops the task, so that no context can be passed.
        outage = load_settings().kubernetes_outage
        return patient(client_of(self.hook), outage, self.log)

"""Making the pod of one life of a job, or finding the one that a lost worker has left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes import client as k8s

from gitlab_ci_provider.airflow_internals.pod_operator import pod_request
from gitlab_ci_provider.airflow_internals.tasks import instance_name
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.planner.plan import PlannedJob
from gitlab_ci_provider.pods.leftovers import DAG, RUN, TASK
from gitlab_ci_provider.pods.naming import pod_name
from gitlab_ci_provider.pods.pod import PodRequest, build_pod, build_secret
from gitlab_ci_provider.pods.pull_policy import PullPolicies
from gitlab_ci_provider.pods.registry import build_pull_secret
from gitlab_ci_provider.pods.shared_configuration import shared_configuration
from gitlab_ci_provider.pods.status import has_started
from gitlab_ci_provider.runs.job import attempts
from gitlab_ci_provider.runs.job.admission import admitted
from gitlab_ci_provider.runs.job.objects import (
    LIFE,
    ForeignPodError,
    create,
    find_again,
    give_secret,
    life_token,
)
from gitlab_ci_provider.runs.job.service_trouble import refuse_without_sidecars
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.resource_group.turn import group_label

_DEADLINE_SLACK = 120
"""Seconds between our timeout and the one that Kubernetes enforces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodStart:
    """Makes the pod of a job.

    Attributes:
        operator: of the task; it is given the pod.
        run: of the job.
        runner: that has taken the job.
        seconds: for which a used-up quota is waited for.
        pulls: the pull policies of the pod's containers.
        still_wanted: raises when the job was canceled.
        logins: of registries that the job brings along; empty for none.
    """

    operator: KubernetesPodOperator
    run: JobRun
    runner: RunnerProfile
    seconds: float
    still_wanted: Callable[[], object]
    pulls: PullPolicies = field(default_factory=PullPolicies)
    logins: str = field(default="", repr=False)

    def start(self, planned: PlannedJob) -> PodWatch:
        """Create the pod and its Secret, or find the pod that a lost worker has left.

        Raises:
            SystemFailure: Kubernetes refuses it.
            ApiException: it does not answer.
        """
        operator, client = self.operator, self.operator.client
        request = self._request(planned)
        with shared_configuration():
            wanted = pod_request(operator, self.run.context, build_pod(request))
        found = find_again(operator, wanted) if self._may_be_there else None
        operator.pod = found or wanted  # set at once: a task that is stopped removes it
        secrets = self._secrets(request, planned)
        if found is None:
            operator.pod = self._created(wanted, secrets)
        elif not has_started(found):  # its worker may have died before it made the Secrets
            for secret in secrets:
                give_secret(client, found, secret)
        refuse_without_sidecars(operator.pod, wanted)
        name, namespace = operator.pod.metadata.name, operator.pod.metadata.namespace
        if is_found(operator.pod, self.run):
            operator.log.info("found pod %s of an earlier worker, following it", name)
        return PodWatch(
            client=client, name=name, namespace=namespace, version=_version_of_new(operator.pod)
        )

    def _secrets(self, request: PodRequest, planned: PlannedJob) -> list[k8s.V1Secret]:
        """Build the pod's Secrets; it mounts the last one, and pulls images only after that."""
        own = build_secret(request, planned.secret)
        pull = [build_pull_secret(own.metadata, self.logins)] if self.logins else []
        return [*pull, own]

    def _created(self, wanted: k8s.V1Pod, secrets: Sequence[k8s.V1Secret]) -> k8s.V1Pod:
        operator = self.operator
        try:
            return admitted(
                lambda: create(operator.client, wanted, *secrets),
                self.seconds,
                still_wanted=self.still_wanted,
            )
        except ForeignPodError:
            operator.pod = None  # it must not be deleted with this job
            raise

    def _request(self, planned: PlannedJob) -> PodRequest:
        run, job = self.run.record, self.run.job
        life = attempts.load(self.run).life
        ti = self.run.context["ti"]
        task = {DAG: ti.dag_id, RUN: ti.run_id, TASK: instance_name(ti)}
        labels = {
            "installation": self.run.state.installation.name(),
            "project": run.project.path,
            "pipeline": str(run.id),
            "job": job.name,
            "stage": job.stage,
            LIFE: life,
            **group_label(self.run),
        }
        return PodRequest(
            name=pod_name(run.project.path, job.name, self._token(life)),
            pulls=self.pulls,
            image=planned.image,
            profile=self.runner,
            services=planned.services,
            logins=bool(self.logins),
            deadline=planned.timeout + _DEADLINE_SLACK,
            honor_entrypoint=planned.honor_entrypoint,
            grace=planned.grace,
            hook=planned.plan.hook is not None,
            id_tokens=planned.id_tokens,
            labels=labels,
            annotations={**labels, **task, "ref": run.ref.name, "sha": run.ref.sha},
        )

    @property
    def _may_be_there(self) -> bool:
        """Tell whether a lost worker may have left it; a pod for another policy is new."""
        return self.run.context["ti"].try_number > 1 and not any(self.pulls.failed.values())

    def _token(self, life: str) -> str:
        """Make the part of the name that no other pod has: not the one with other pull policies."""
        failed = "".join(f" {name}={count}" for name, count in self.pulls.failed.items() if count)
        return life_token(self.run.context, f"{life}{failed}")


def is_found(pod: k8s.V1Pod, run: JobRun) -> bool:
    """Return whether the worker of an earlier try has made a pod."""
    return bool(pod.metadata.labels.get("try_number") != str(run.context["ti"].try_number))


def _version_of_new(pod: k8s.V1Pod) -> str:
    """Return the version from which to watch a pod of which nothing can have been missed."""
    is_new = not (pod.status and pod.status.container_statuses)
    return str(pod.metadata.resource_version or "") if is_new else ""

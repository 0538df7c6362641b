"""The pod of one try of one job, from the plan to its removal.

`pod_start.py` makes the pod, `pod_worker.py` follows it to its end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.log import mask_secret
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.airflow_internals.pod_operator import was_killed
from gitlab_ci_provider.exceptions import JobFailure, SystemFailure
from gitlab_ci_provider.hooks.kubernetes import UNREACHABLE
from gitlab_ci_provider.hooks.outages import is_passing, say
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.model.run import JobResult
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.planner.plan import PlannedJob, plan_job
from gitlab_ci_provider.planner.plan_request import PlanRequest, places_to_hide
from gitlab_ci_provider.planner.time_limits import access_ends_early, job_timeout
from gitlab_ci_provider.pods.grace import SERVICES_GRACE
from gitlab_ci_provider.pods.id_tokens import refuse_without_account
from gitlab_ci_provider.pods.pull_policy import PullPolicies, pull_policies
from gitlab_ci_provider.pods.refusals import refusal
from gitlab_ci_provider.pods.start_budget import waited
from gitlab_ci_provider.runs.cancel.jobs import order_to
from gitlab_ci_provider.runs.job.end import PullFailure, deploying_to
from gitlab_ci_provider.runs.job.evidence import explained
from gitlab_ci_provider.runs.job.handover import Handover
from gitlab_ci_provider.runs.job.objects import delete_pod
from gitlab_ci_provider.runs.job.passed import needs_worker
from gitlab_ci_provider.runs.job.permitted import permitted_job
from gitlab_ci_provider.runs.job.pod_start import PodStart, is_found
from gitlab_ci_provider.runs.job.pod_worker import PodWorker, taken_over
from gitlab_ci_provider.runs.job.position import BEGINNING, FROM_HOOK
from gitlab_ci_provider.runs.job.request import job_request
from gitlab_ci_provider.runs.job.services import JobServices, job_services
from gitlab_ci_provider.runs.job.shift import (
    first_shift,
    from_new_pod,
    next_shift,
    refuse_if_over,
    starting_within,
    to_the_end,
    within,
)
from gitlab_ci_provider.runs.job.uploads import with_uploads
from gitlab_ci_provider.runs.job.uses import note_uses
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.runner import Taken, Voice, take, tell_slot, use_cluster
from gitlab_ci_provider.variables.masking import Masker, log_masker

_SOON = 1
"""Seconds for a pod whose script has not begun: there is nothing to save."""


class JobPod:
    """Runs the pod of one try for an operator."""

    def __init__(
        self, operator: KubernetesPodOperator, run: JobRun, handed: Handover | None = None
    ):
        self._operator = operator
        self._run = run
        self._handed = handed
        self._shift = (
            next_shift(operator, run.settings, handed)
            if handed
            else first_shift(operator, run.settings)
        )
        self._log = operator.log
        self._masker = Masker()
        self._runner = RunnerProfile()
        self._logins = ""
        self._services = JobServices()
        self._pulls = PullPolicies()
        self._archive_key = ""
        self._ended = False

    def run(self) -> JobResult:
        """Run the job to its end.

        Raises:
            JobFailure: it failed; the pod is gone, its cause is in the message.
        """
        request = job_request(self._run, has_pod=self._handed is not None)
        self._archive_key = request.archive_key
        self._masker = Masker(request.masked)
        try:
            refuse_if_over(self._shift, self._operator)
            planned = self._planned(request)
            with deploying_to(planned.environment):
                result = self._start_and_follow(planned)
        except JobFailure as failure:
            failure.args = (self._masker.text(str(failure)),)
            raise self._explained(failure) from failure.__cause__
        return self._recorded(request, planned, replace(result, release=planned.release))

    def _planned(self, request: PlanRequest) -> PlannedJob:
        """Plan the job for the runner that takes it; a pod that was handed over has its runner."""
        taken = None
        if self._handed is None:
            taken = self._taken(request)
            request = taken.request
        planned = plan_job(request)
        for value in planned.masked:
            mask_secret(value)
        self._masker = log_masker(planned.masked)
        returns = needs_worker(self._operator, self._run, planned)
        self._shift = replace(
            self._shift,
            hides=places_to_hide(request, planned.plan),
            archive_key="" if returns else self._archive_key,
        )
        self._services = job_services(planned, request.variables.as_dict())
        if self._handed is not None:
            self._services = replace(self._services, names=self._handed.services)
        if self._services.debugged:  # only a worker follows several logs
            self._shift = to_the_end(self._shift)
        if taken is None:
            return planned
        refuse_without_account(planned.id_tokens, self._runner)
        if planned.plan.hook is not None:
            self._shift = replace(self._shift, begin=FROM_HOOK)
        planned = permitted_job(planned, self._runner, taken.variables)
        self._pulls = pull_policies(planned.image, planned.services, self._runner)
        note_uses(self._run, planned.plan)
        if words := access_ends_early(request, planned.plan):
            self._log.warning("%s", words)
        return replace(planned, plan=with_uploads(request, planned.plan))

    def _taken(self, request: PlanRequest) -> Taken:
        voice = Voice(self._log, self._masker)
        taken = take(self._run.settings, request, voice)
        tell_slot(self._operator, taken.runner, voice)
        self._runner, self._logins = taken.runner, taken.logins
        use_cluster(self._operator, taken, self._run.settings.kubernetes_outage)
        if taken.runner.maximum_timeout:
            self._shift = within(self._shift, self._operator, job_timeout(taken.request))
        if taken.token:  # it must not go through Airflow's database
            self._shift = to_the_end(self._shift)
        return taken

    @property
    def _start_timeout(self) -> int:
        """Return how many seconds a pod may take to start."""
        ours = self._runner.start_timeout
        if self._handed is not None:  # the runner is known to the worker that has made the pod
            ours = int(self._handed.patience)
        return ours or self._run.settings.pod_start_timeout

    def _explained(self, failure: JobFailure) -> JobFailure:
        """Keep what the pod knows of its end, while there is a pod."""
        pod = self._operator.pod
        if pod is None or was_killed(self._operator) or order_to(self._run):
            return failure
        return explained(failure, self._operator.client, pod, self._masker.text)

    def _recorded(self, request: PlanRequest, planned: PlannedJob, result: JobResult) -> JobResult:
        """Record what the job has done to its environment, if it has one."""
        environment = planned.environment
        if environment is None:
            return result
        from gitlab_ci_provider.runs.job.deployment import record_success

        done = record_success(self._run, request, environment, result.reports)
        return replace(result, environment=done)

    def _start_and_follow(self, planned: PlannedJob) -> JobResult:
        try:
            pod = taken_over(self._operator) if self._handed else self._started(planned)
            while True:
                self._refuse_if_canceled()
                worker = self._worker()
                try:
                    return worker.follow(pod)
                except PullFailure as failure:
                    pod = self._started_again(planned, failure)
                finally:
                    self._ended = worker.ended
        except ApiException as problem:
            if is_passing(problem):
                raise self._unreachable(problem) from problem
            raise SystemFailure(f"Kubernetes refused: {refusal(say(problem)).words}") from problem
        except HTTPError as problem:
            raise self._unreachable(problem) from problem

    def _started(self, planned: PlannedJob) -> PodWatch:
        """Create the pod and its Secret, or find the pod that a lost worker has left."""
        start = PodStart(
            operator=self._operator,
            run=self._run,
            runner=self._runner,
            seconds=self._start_timeout,
            still_wanted=self._refuse_if_canceled,
            pulls=self._pulls,
            logins=self._logins,
        )
        pod = start.start(planned)
        self._pulls = self._pulls.as_in(self._operator.pod)
        self._shift = replace(self._shift, unsettled=self._pulls.unsettled)
        if is_found(self._operator.pod, self._run):  # it has waited before this try
            left = max(0.0, self._start_timeout - waited(self._operator.pod))
            self._shift = starting_within(self._shift, left)
        return pod

    def _started_again(self, planned: PlannedJob, failure: PullFailure) -> PodWatch:
        """Make the pod again, with the next pull policy of an image that could not be pulled.

        It is the same try of the job: nothing of its script has run.

        Raises:
            PullFailure: there is no other policy.
        """
        pod: Any = self._operator.pod
        if failure.container not in self._shift.unsettled:
            raise failure
        if self._handed is not None:  # this worker does not know the runner
            self._handed = None
            planned = self._planned(job_request(self._run, has_pod=False))
        client = self._operator.client
        old = client.read_namespaced_pod(pod.metadata.name, pod.metadata.namespace)
        used = self._pulls.as_in(old)
        following = used.after(failure.container)
        if following is None:
            raise failure
        delete_pod(client, old, grace=_SOON)
        policies = used.words(failure.container), following.words(failure.container)
        self._log.warning("%s", self._masker.text(f"{failure}: pull policy {policies[0]}"))
        self._log.info("trying the pull policy %s in another pod", policies[1])
        begin = BEGINNING if planned.plan.hook is None else FROM_HOOK
        self._shift = from_new_pod(self._shift, begin, failure.written)
        self._pulls = following
        return self._started(planned)

    def _worker(self) -> PodWorker:
        return PodWorker(
            operator=self._operator,
            run=self._run,
            shift=self._shift,
            start_timeout=self._start_timeout,
            masker=self._masker,
            services=self._services,
            archive_key=self._archive_key,
        )

    def _unreachable(self, problem: Exception) -> SystemFailure:
        seconds = self._run.settings.kubernetes_outage
        return SystemFailure(f"Kubernetes has been unreachable for {seconds} s: {say(problem)}")

    def _refuse_if_canceled(self) -> None:
        """Check once more: a cancel in the meantime has not seen the pod."""
        if order := order_to(self._run):
            raise JobFailure(f"canceled {order.reason}")

    def remove(self) -> None:
        """Delete the pod, if there is one, and with it its Secret."""
        pod = self._operator.pod
        if pod is None:
            return
        try:
            grace = SERVICES_GRACE if self._ended else None
            delete_pod(self._operator.client, pod, grace)
        except UNREACHABLE as problem:
            name = pod.metadata.name
            self._log.warning(
                "pod %s is left for the end of the pipeline, which deletes it: %s",
                name,
                say(problem),
            )

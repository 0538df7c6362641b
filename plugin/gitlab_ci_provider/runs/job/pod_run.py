"""The pod of one try of one job: created, followed to its end, read, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.log import mask_secret
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.airflow_internals.pod_operator import pod_request, was_killed
from gitlab_ci_provider.exceptions import JobFailure, SystemFailure
from gitlab_ci_provider.hooks.outages import is_passing, say
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.hooks.pod_worker_io import TimeToLeave, WorkerIO, early_words
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.planner.plan import PlannedJob, plan_job
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.pods.id_tokens import refuse_without_account
from gitlab_ci_provider.pods.leftovers import DAG, RUN, TASK
from gitlab_ci_provider.pods.naming import pod_name
from gitlab_ci_provider.pods.outcome import outcome
from gitlab_ci_provider.pods.pod import PodRequest, build_pod, build_secret
from gitlab_ci_provider.pods.refusals import refusal
from gitlab_ci_provider.pods.registry import build_pull_secret
from gitlab_ci_provider.pods.seen import SeenPod
from gitlab_ci_provider.pods.starting import Starting, pending_words
from gitlab_ci_provider.pods.status import has_started, pull_failures
from gitlab_ci_provider.runs.cancel.jobs import order_to
from gitlab_ci_provider.runs.job import attempts
from gitlab_ci_provider.runs.job.admission import admitted
from gitlab_ci_provider.runs.job.coverage import CoverageScan
from gitlab_ci_provider.runs.job.end import PodFailure
from gitlab_ci_provider.runs.job.evidence import explained
from gitlab_ci_provider.runs.job.follower import End, Follower
from gitlab_ci_provider.runs.job.handover import Handover
from gitlab_ci_provider.runs.job.log import job_log
from gitlab_ci_provider.runs.job.objects import (
    LIFE,
    ForeignPodError,
    create,
    delete_pod,
    find_again,
    give_secret,
    life_token,
)
from gitlab_ci_provider.runs.job.permitted import permitted_job
from gitlab_ci_provider.runs.job.position import FROM_HOOK, Position
from gitlab_ci_provider.runs.job.request import job_request
from gitlab_ci_provider.runs.job.service_trouble import refuse_without_sidecars
from gitlab_ci_provider.runs.job.services import JobServices, job_services
from gitlab_ci_provider.runs.job.shift import (
    first_shift,
    hand_over,
    next_shift,
    refuse_if_over,
    to_the_end,
)
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.resource_group.turn import group_label
from gitlab_ci_provider.runs.runner import Taken, Voice, take, use_cluster
from gitlab_ci_provider.variables.masking import Masker, log_masker

_DEADLINE_SLACK = 120
"""Seconds between our timeout and the one that Kubernetes enforces."""

_LEFT_OUT = (
    "%d archives and reports of this job are stored, but no later job gets them: the pod's "
    "termination message had no room for their names"
)


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
        self._coverage = CoverageScan(run.job.coverage, self._shift.begin.coverage)
        self._starting = Starting(
            grace=run.settings.image_pull_grace,
            say=lambda words: operator.log.warning("%s", self._masker.text(words)),
        )
        self._services = JobServices()

    def run(self) -> JobResult:
        """Run the job to its end.

        Raises:
            JobFailure: it failed; the pod is gone, its cause is in the message.
        """
        request = job_request(self._run, has_pod=self._handed is not None)
        self._masker = Masker(request.masked)
        try:
            refuse_if_over(self._shift, self._operator)
            planned = self._planned(request)
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
        self._services = job_services(planned, request.variables.as_dict())
        if self._services.debugged:  # only a worker follows several logs
            self._shift = to_the_end(self._shift)
        if taken is None:
            return planned
        refuse_without_account(planned.id_tokens, self._runner)
        if planned.plan.hook is not None:
            self._shift = replace(self._shift, begin=FROM_HOOK)
        return permitted_job(planned, self._runner, taken.variables)

    def _taken(self, request: PlanRequest) -> Taken:
        taken = take(self._run.settings, request, Voice(self._log, self._masker))
        self._runner, self._logins = taken.runner, taken.logins
        use_cluster(self._operator, taken, self._run.settings.kubernetes_outage)
        if taken.token:  # it must not go through Airflow's database
            self._shift = to_the_end(self._shift)
        return taken

    @property
    def _start_timeout(self) -> int:
        """Return how many seconds a pod may take to start."""
        return self._runner.start_timeout or self._run.settings.pod_start_timeout

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
            pod = self._taken_over() if self._handed else self._start(planned)
            self._refuse_if_canceled()
            return self._follow(pod)
        except ApiException as problem:
            if is_passing(problem):
                raise self._unreachable(problem) from problem
            raise SystemFailure(f"Kubernetes refused: {refusal(say(problem)).words}") from problem
        except (HTTPError, ConfigException) as problem:
            raise self._unreachable(problem) from problem

    def _taken_over(self) -> PodWatch:
        """Go on with the pod that the triggerer has followed."""
        pod: Any = self._operator.pod
        metadata = pod.metadata
        return PodWatch(
            client=self._operator.client, name=metadata.name, namespace=metadata.namespace
        )

    def _unreachable(self, problem: Exception) -> SystemFailure:
        seconds = self._run.settings.kubernetes_outage
        return SystemFailure(f"Kubernetes has been unreachable for {seconds} s: {say(problem)}")

    def _start(self, planned: PlannedJob) -> PodWatch:
        """Create the pod and its Secret, or find the pod that a lost worker has left."""
        operator, client = self._operator, self._operator.client
        request = self._request(planned)
        wanted = pod_request(operator, self._run.context, build_pod(request))
        found = find_again(operator, wanted) if self._run.context["ti"].try_number > 1 else None
        operator.pod = found or wanted  # set at once: a task that is stopped removes it
        secrets = self._secrets(request, planned)
        if found is None:
            operator.pod = self._created(wanted, secrets)
        elif not has_started(found):  # its worker may have died before it made the Secrets
            for secret in secrets:
                give_secret(client, found, secret)
        refuse_without_sidecars(operator.pod, wanted)
        name, namespace = operator.pod.metadata.name, operator.pod.metadata.namespace
        if operator.pod.metadata.labels.get("try_number") != wanted.metadata.labels["try_number"]:
            self._log.info("found pod %s of an earlier worker, following it", name)
        return PodWatch(
            client=client, name=name, namespace=namespace, version=_version_of_new(operator.pod)
        )

    def _secrets(self, request: PodRequest, planned: PlannedJob) -> list[k8s.V1Secret]:
        """Build the pod's Secrets; it mounts the last one, and pulls images only after that."""
        own = build_secret(request, planned.secret)
        pull = [build_pull_secret(own.metadata, self._logins)] if self._logins else []
        return [*pull, own]

    def _created(self, wanted: k8s.V1Pod, secrets: Sequence[k8s.V1Secret]) -> k8s.V1Pod:
        operator = self._operator
        try:
            return admitted(
                lambda: create(operator.client, wanted, *secrets),
                self._start_timeout,
                still_wanted=self._refuse_if_canceled,
            )
        except ForeignPodError:
            operator.pod = None  # it must not be deleted with this job
            raise

    def _refuse_if_canceled(self) -> None:
        """Check once more: a cancel in the meantime has not seen the pod."""
        if order := order_to(self._run):
            raise JobFailure(f"canceled {order.reason}")

    def _request(self, planned: PlannedJob) -> PodRequest:
        run, job = self._run.record, self._run.job
        life = attempts.load(self._run).life
        ti = self._run.context["ti"]
        task = {DAG: ti.dag_id, RUN: ti.run_id, TASK: ti.task_id}
        labels = {
            "installation": self._run.state.installation.name(),
            "project": run.project.path,
            "pipeline": str(run.id),
            "job": job.name,
            "stage": job.stage,
            LIFE: life,
            **group_label(self._run),
        }
        return PodRequest(
            name=pod_name(run.project.path, job.name, life_token(self._run.context, life)),
            image=planned.image,
            profile=self._runner,
            services=planned.services,
            logins=bool(self._logins),
            deadline=(job.timeout or self._run.settings.default_timeout) + _DEADLINE_SLACK,
            grace=planned.grace,
            hook=planned.plan.hook is not None,
            id_tokens=planned.id_tokens,
            labels=labels,
            annotations={**labels, **task, "ref": run.ref.name, "sha": run.ref.sha},
        )

    def _follow(self, pod: PodWatch) -> JobResult:
        """Stream the containers' logs in turn, then read the end from the pod."""
        begin, kept = self._shift.begin, self._raw_path()
        with job_log(lambda line: self._log.info("%s", line), kept, self._masker, begin) as log:
            follower = Follower(
                log=log,
                coverage=self._coverage,
                starting=self._starting,
                patience=0 if self._shift.why == "late" else self._start_timeout,
                begin=begin,
                on_build=lambda: self._warned(pod),
                stuck=self._shift.why == "stuck",
                services=self._services.watch(),
            )
            try:
                io = WorkerIO(pod=pod, leave_at=self._shift.ends)
                with self._services.logs(pod, log):
                    end = io.perform(follower.steps())
            except TimeToLeave:
                self._hand_over(follower.position())
            finally:
                pod.close()
            if not follower.warned and end.kind == "over":
                self._log_warnings(pod)
            if follower.stuck:
                log.write(early_words(pod))
            if self._starting.problem is None:
                self._services.tell(pod, log, follower.services.death, end.pod)
        self._refuse_if_not_started(pod, end)
        return self._result(pod, end.pod or pod.read())

    def _hand_over(self, position: Position) -> NoReturn:
        """Leave the pod to the triggerer.

        Raises:
            TaskDeferred: always.
        """
        self._log.info("the triggerer follows the pod from here on, without a worker")
        hand_over(
            replace(self._shift, services=self._services.names),
            self._operator,
            self._run,
            position=position,
            patience=self._start_timeout,
            kept=self._raw_path(),
        )

    def _warned(self, pod: PodWatch) -> bool:
        self._log_warnings(pod)
        return True

    def _refuse_if_not_started(self, pod: PodWatch, end: End) -> None:
        """Say why a pod did not start.

        Raises:
            JobFailure: something has kept it from starting.
        """
        if end.kind == "over":
            return
        events = self._log_warnings(pod)
        problem = self._starting.problem
        if problem is not None:
            words = [*self._starting.registries, *pull_failures(events)]
            raise JobFailure(problem.because(words), reason=problem.failure_reason)
        seconds = self._start_timeout
        why = pending_words(pod.read(), events)
        raise SystemFailure(f"pod {pod.name} did not start within {seconds} s: {why}")

    def _log_warnings(self, pod: PodWatch) -> list[k8s.CoreV1Event]:
        """Log the pod's warning events, as the runner does by default, and return them."""
        events = pod.client.list_namespaced_event(
            pod.namespace, field_selector=f"involvedObject.name={pod.name},type=Warning"
        ).items
        for event in events:
            if f'secret "{pod.name}" not found' in (event.message or ""):
                continue  # the pod was faster than its Secret, which is created after it
            self._log.warning("%s: %s", event.reason, self._masker.text(event.message or ""))
        return list(events)

    def _result(self, pod: PodWatch, seen: SeenPod) -> JobResult:
        end = outcome(seen)
        if end.left_out:
            self._log.warning(_LEFT_OUT, end.left_out)
        result = JobResult(
            status=JobStatus.FAILED if end.failure_reason else JobStatus.SUCCESS,
            exit_code=end.exit_code,
            artifacts=end.artifacts,
            reports=end.reports,
            coverage=self._coverage.value,
            pod=pod.name,
        )
        if end.failure_reason is None:
            return result
        raise PodFailure(
            end.message, reason=end.failure_reason, exit_code=end.exit_code, result=result
        )

    def _raw_path(self) -> Path | None:
        folder = self._run.settings.job_logs_folder
        if not folder:
            return None
        ti = self._run.context["ti"]
        parts = (ti.dag_id, ti.run_id, ti.task_id, f"{ti.try_number}.log")
        return Path(folder).joinpath(*parts)

    def remove(self) -> None:
        """Delete the pod, if there is one, and with it its Secret."""
        pod = self._operator.pod
        if pod is None:
            return
        try:
            delete_pod(self._operator.client, pod)
        except (ApiException, HTTPError, ConfigException) as problem:
            name = pod.metadata.name
            self._log.warning(
                "pod %s is left for the end of the pipeline, which deletes it: %s",
                name,
                say(problem),
            )


def _version_of_new(pod: k8s.V1Pod) -> str:
    """Return the version from which to watch a pod of which nothing can have been missed."""
    is_new = not (pod.status and pod.status.container_statuses)
    return str(pod.metadata.resource_version or "") if is_new else ""

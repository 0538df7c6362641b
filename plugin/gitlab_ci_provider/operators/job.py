"""The task of one job: asks GitLab's rules whether it starts, runs its pod, tells how it ended.

A `KubernetesPodOperator` in labels, reattachment and clean-up, so that what is known of that one
holds here. Unlike it, the pod is watched instead of polled, and nothing passes through Jinja.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NoReturn

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import (
    AirflowSkipException,
    AirflowTaskTimeout,
)
from kubernetes import client as k8s

from gitlab_ci_provider.airflow_internals.pod_operator import was_killed
from gitlab_ci_provider.exceptions import (
    FailureReason,
    GitlabCiError,
    JobFailure,
    NoPipelineError,
    SystemFailure,
    TimeoutFailure,
)
from gitlab_ci_provider.hooks.kubernetes import client_of
from gitlab_ci_provider.hooks.patience import patient
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.model.workspace import BUILD_CONTAINER
from gitlab_ci_provider.operators.links import EnvironmentLink
from gitlab_ci_provider.runs.cancel.auto import cancel_rest
from gitlab_ci_provider.runs.cancel.jobs import meet, obey
from gitlab_ci_provider.runs.failing import TaskFailed, TaskFailedForNow
from gitlab_ci_provider.runs.job import end as job_end
from gitlab_ci_provider.runs.job.end import Settled
from gitlab_ci_provider.runs.job.pod import JobPod
from gitlab_ci_provider.runs.job_run import JobRun, load_job_run
from gitlab_ci_provider.runs.manual import start as manual_start
from gitlab_ci_provider.runs.record import push_result
from gitlab_ci_provider.runs.resource_group import turn
from gitlab_ci_provider.schedule.decide import Start, Verdict
from gitlab_ci_provider.settings import load_settings

_ENDS_WITHOUT_RUNNING = {Start.SKIP: JobStatus.SKIPPED, Start.ABSENT: JobStatus.ABSENT}


class GitlabJobOperator(KubernetesPodOperator):
    """Runs one GitLab CI job as a Kubernetes pod.

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

    def execute(self, context: Context) -> None:
        """Start the job, or end it without a pod when GitLab would."""
        self.begin(context)

    def begin(self, context: Context, event: Any = None) -> None:  # noqa: ARG002 - Airflow passes it
        """Begin, perhaps once more after jobs that the DAG could not have it wait for."""
        run = self._load(context)
        manual_start.wait_for_jobs(self, run)
        verdict = run.verdict()
        self.log.info("%s: %s (%s)", self.job, verdict.start, verdict.reason)
        if verdict.start in _ENDS_WITHOUT_RUNNING:
            self._end(context, _ENDS_WITHOUT_RUNNING[verdict.start], verdict)
        if verdict.start in manual_start.WAITS:
            run = manual_start.wait(self, context, run, verdict) or self._pass_over(
                context, verdict
            )
        self._run(context, run)

    def play(self, context: Context, event: Any = None) -> None:
        """Run a job that a person has played, or end it as they said."""
        run = self._load(context)
        played = manual_start.answered(self, context, run, event or {})
        self._run(context, played or self._pass_over(context, run.verdict()))

    def go_off(self, context: Context, event: Any = None) -> None:  # noqa: ARG002 - Airflow passes it
        """Run a delayed job whose time has come."""
        self._run(context, manual_start.start(context, self._load(context)))

    def proceed(self, context: Context, event: Any = None) -> None:
        """Run a job that has waited for its resource group and has it now."""
        run = manual_start.started(context, self._load(context))
        if problem := (event or {}).get("problem"):
            failure = SystemFailure(f"its resource group is out of reach: {problem}")
            self._tell(context, run, job_end.failed(context, run, failure))
        self._run(context, run)

    @cached_property
    def client(self) -> k8s.CoreV1Api:
        """Give a client that bears outages of Kubernetes' API."""
        outage = load_settings().kubernetes_outage
        return patient(client_of(self.hook), outage, self.log)

    def _load(self, context: Context) -> JobRun:
        try:
            run = load_job_run(context, self.job)
        except NoPipelineError as problem:
            push_result(context, JobResult(status=JobStatus.SKIPPED, reason=str(problem)))
            raise AirflowSkipException(str(problem)) from problem
        except GitlabCiError as problem:
            unknown = FailureReason.UNKNOWN_FAILURE
            why = JobResult(
                status=JobStatus.FAILED, failure_reason=unknown, reason=job_end.said(problem)
            )
            push_result(context, why)
            raise TaskFailed(str(problem)) from problem
        if reason := obey(context, run):
            raise AirflowSkipException(f"canceled {reason}")
        return run

    def _pass_over(self, context: Context, verdict: Verdict) -> NoReturn:
        """End as a manual job that nobody has played."""
        self._end(context, JobStatus.MANUAL, verdict)

    def _end(self, context: Context, status: JobStatus, verdict: Verdict) -> NoReturn:
        push_result(context, JobResult(status=status, reason=verdict.reason))
        raise AirflowSkipException(verdict.reason)

    def _run(self, context: Context, run: JobRun) -> None:
        """Run the pod; whatever happens, say how the job ended and leave no pod."""
        settled = job_end.earlier_end(context, run)
        if settled is not None:
            self.log.info("the job has ended before, and its worker was lost then: told again")
        else:
            settled = self._settle(context, run)
        self._tell(context, run, settled)

    def _tell(self, context: Context, run: JobRun, settled: Settled) -> None:
        """Tell Airflow how the job has ended."""
        push_result(context, settled.result)
        if settled.result.status == JobStatus.SUCCESS:
            meet(context, run)
            return
        if settled.again:
            self.log.warning("%s", settled.message)
            raise TaskFailedForNow(settled.message)
        if settled.result.status == JobStatus.FAILED and not settled.result.allowed_failure:
            cancel_rest(context, run, self.log)
        raise TaskFailed(settled.message)

    def _settle(self, context: Context, run: JobRun) -> Settled:
        """Have the job end, in its turn."""
        try:
            with turn.holding(self, run, method_name="proceed"):
                pod = JobPod(self, context, run)
                settled = self._ended(context, run, pod)
                pod.remove()  # only now: what ended is remembered
                return settled
        except JobFailure as problem:  # the resource group is out of reach
            return job_end.failed(context, run, problem)

    def _ended(self, context: Context, run: JobRun, pod: JobPod) -> Settled:
        try:
            return job_end.succeeded(context, run, pod.run())
        except AirflowTaskTimeout:
            seconds = int(self.execution_timeout.total_seconds()) if self.execution_timeout else 0
            failure = TimeoutFailure(f"ran longer than its timeout of {seconds} s")
            return job_end.failed(context, run, failure)
        except JobFailure as problem:
            return self._canceled(context, run) or job_end.failed(context, run, problem)
        except GitlabCiError as problem:
            return job_end.failed(context, run, SystemFailure(str(problem)))
        except Exception as problem:
            self.log.exception("the task of '%s' has failed", self.job)
            return self._canceled(context, run) or job_end.crashed(context, run, problem)

    def _canceled(self, context: Context, run: JobRun) -> Settled | None:
        """Settle the job as canceled when that is why the pod has gone."""
        settled = job_end.obeyed(context, run)
        return job_end.stopped(context, run) if settled is None and was_killed(self) else settled

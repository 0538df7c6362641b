"""The task of one job: asks GitLab's rules whether it starts, runs its pod, tells how it ended.

A `KubernetesPodOperator` in labels, reattachment and clean-up, so that what is known of that one
holds here. Unlike it, the pod is watched instead of polled, and nothing passes through Jinja.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    AirflowTaskTimeout,
)
from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import (
    INTERRUPTED,
    GitlabCiError,
    JobFailure,
    SystemFailure,
    TimeoutFailure,
)
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.model.workspace import BUILD_CONTAINER
from gitlab_ci_provider.operators import attempts, playing, resource_turn
from gitlab_ci_provider.operators.auto_cancel import cancel_rest
from gitlab_ci_provider.operators.cancel import meet, obey, record_cancel
from gitlab_ci_provider.operators.job_pod import JobPod
from gitlab_ci_provider.operators.job_run import JobRun, load_job_run
from gitlab_ci_provider.operators.links import EnvironmentLink
from gitlab_ci_provider.operators.run_record import push_result
from gitlab_ci_provider.schedule.decide import Start, Verdict
from gitlab_ci_provider.schedule.retry import should_retry

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
        playing.wait_for_jobs(self, run)
        verdict = run.verdict()
        self.log.info("%s: %s (%s)", self.job, verdict.start, verdict.reason)
        if verdict.start in _ENDS_WITHOUT_RUNNING:
            self._end(context, _ENDS_WITHOUT_RUNNING[verdict.start], verdict)
        if verdict.start in playing.WAITS:
            run = playing.wait(self, context, run, verdict) or self._pass_over(context, verdict)
        self._run(context, run)

    def play(self, context: Context, event: Any = None) -> None:
        """Run a job that a person has played, or end it as they said."""
        run = self._load(context)
        played = playing.answered(self, context, run, event or {})
        self._run(context, played or self._pass_over(context, run.verdict()))

    def go_off(self, context: Context, event: Any = None) -> None:  # noqa: ARG002 - Airflow passes it
        """Run a delayed job whose time has come."""
        self._run(context, playing.start(context, self._load(context)))

    def proceed(self, context: Context, event: Any = None) -> None:
        """Run a job that has waited for its resource group and has it now."""
        run = playing.started(context, self._load(context))
        if problem := (event or {}).get("problem"):
            self._fail(
                context, run, SystemFailure(f"its resource group is out of reach: {problem}")
            )
        self._run(context, run)

    def build_pod_request_obj(
        self, context: Context | None = None, *, dry_run: bool = False
    ) -> k8s.V1Pod:
        """Build the pod as the stock operator does, around ours; keep the name that ours has."""
        pod = super().build_pod_request_obj(context, dry_run=dry_run)
        if self.full_pod_spec is not None:
            pod.metadata.name = self.full_pod_spec.metadata.name
        return pod

    def _load(self, context: Context) -> JobRun:
        try:
            run = load_job_run(context, self.job)
        except GitlabCiError as problem:
            self._tell(context, problem)
            raise AirflowFailException(str(problem)) from problem
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
        try:
            with resource_turn.holding(self, run, method_name="proceed"):
                result = JobPod(self, context, run).run()
        except AirflowTaskTimeout:
            seconds = int(self.execution_timeout.total_seconds()) if self.execution_timeout else 0
            failure: JobFailure = TimeoutFailure(f"ran longer than its timeout of {seconds} s")
            self._fail(context, run, failure)
        except JobFailure as problem:
            self._end_if_canceled(context, run)
            self._fail(context, run, problem)
        except GitlabCiError as problem:
            self._fail(context, run, SystemFailure(str(problem)))
        except Exception as problem:
            self._end_if_canceled(context, run)
            self._tell(context, problem)
            raise
        else:
            push_result(context, result)
            meet(context, run)

    def _tell(self, context: Context, problem: Exception) -> None:
        """Say that the job has failed: without a word it would count as canceled."""
        reason = f"{type(problem).__name__}, see the log of the task"
        failure = JobResult(
            status=JobStatus.FAILED, failure_reason="unknown_failure", reason=reason
        )
        push_result(context, failure)

    def _end_if_canceled(self, context: Context, run: JobRun) -> None:
        """End as canceled when that is why the pod has gone.

        When the task itself was stopped, Airflow knows more: it has failed or cleared the task
        already, or it has the task of a worker that is shut down run again.
        """
        if reason := obey(context, run):
            raise AirflowFailException(f"{self.job}: canceled {reason}")
        if self._killed:
            record_cancel(context, run, "by hand")
            raise AirflowException(f"{self.job}: its task was stopped")

    def _fail(self, context: Context, run: JobRun, failure: JobFailure) -> None:
        """Record the failure and let Airflow try again only if `retry` says so."""
        left = failure.left or JobResult(status=JobStatus.FAILED)
        result = replace(
            left,
            allowed_failure=run.decision.allow_failure.allows(failure.exit_code),
            exit_code=failure.exit_code,
            failure_reason=failure.reason,
            reason=str(failure),
        )
        push_result(context, result)
        message = f"{self.job}: {failure} ({failure.reason})"
        if failure.reason == INTERRUPTED and run.settings.interrupted_retries:
            lost = attempts.count(context, run.record, "interrupted")
            if lost <= run.settings.interrupted_retries:
                self.log.warning("%s; tried again, which `retry` does not count", message)
                raise AirflowException(message)
        failed = attempts.count(context, run.record, "failed")
        if should_retry(run.job.retry, result, failed):
            self.log.warning("%s; try %s", message, failed + 1)
            raise AirflowException(message)
        if not result.allowed_failure:
            cancel_rest(context, run, self.log)
        raise AirflowFailException(message)

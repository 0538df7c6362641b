"""What a worker does with a job's pod that is there: follow it, hand it over, read its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes import client as k8s

from gitlab_ci_provider.airflow_internals.pod_operator import was_killed
from gitlab_ci_provider.exceptions import FailureReason, JobFailure, SystemFailure
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.hooks.pod_worker_io import TimeToLeave, WorkerIO, early_words
from gitlab_ci_provider.hooks.triggerer import Life, triggerer_life
from gitlab_ci_provider.model.run import JobResult
from gitlab_ci_provider.pods.outcome import outcome
from gitlab_ci_provider.pods.seen import SeenPod
from gitlab_ci_provider.pods.starting import Starting, pending_words
from gitlab_ci_provider.pods.status import pull_failures, was_early
from gitlab_ci_provider.pods.status import still_runs as is_going_on
from gitlab_ci_provider.runs.job.coverage import CoverageScan
from gitlab_ci_provider.runs.job.end import PodFailure, PullFailure
from gitlab_ci_provider.runs.job.follower import End, Follower
from gitlab_ci_provider.runs.job.log import job_log
from gitlab_ci_provider.runs.job.pod_result import names_foreign, result_of
from gitlab_ci_provider.runs.job.position import Position
from gitlab_ci_provider.runs.job.services import JobServices
from gitlab_ci_provider.runs.job.shift import (
    Shift,
    hand_over,
    is_over,
    longer_shift,
    refuse_if_over,
    still_runs,
)
from gitlab_ci_provider.runs.job.told_to_end import following
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.variables.masking import Masker

_SOON = 5.0

_LEFT_OUT = (
    "%d archives and reports of this job are stored, but no later job gets them: the pod's "
    "termination message had no room for their names"
)


@dataclass(slots=True, kw_only=True)
class PodWorker:
    """Follows the pod of a job until it ends, or until the triggerer takes over.

    Attributes:
        operator: of the task.
        run: of the job.
        shift: how long the worker stays.
        start_timeout: seconds for which the pod may take to start.
        masker: hides what must not be seen.
        services: of the job.
        archive_key: of this try; empty where no later job reads what the pod has left.
        triggerer: tells whether one is alive, to which the pod can be left.
        still_runs: tells whether the task still runs, in Airflow's view.
        ended: nothing of the job runs in its pod any more, or ever will.
    """

    operator: KubernetesPodOperator
    run: JobRun
    shift: Shift
    start_timeout: float
    masker: Masker = field(default_factory=Masker)
    services: JobServices = field(default_factory=JobServices)
    archive_key: str = ""
    triggerer: Callable[[], Life] = triggerer_life
    still_runs: Callable[[JobRun], bool] = still_runs
    ended: bool = field(default=False, init=False)
    _coverage: CoverageScan = field(init=False)
    _starting: Starting = field(init=False)
    _said: str = field(default="", init=False)
    _shown: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        """Begin where the triggerer has stopped."""
        self._coverage = CoverageScan(self.run.job.coverage, self.shift.begin.coverage)
        self._shown = self.shift.begin.shown
        self._starting = Starting(
            grace=self.run.settings.image_pull_grace,
            unsettled=self.shift.unsettled,
            say=lambda words: self._log.warning("%s", self.masker.text(words)),
        )

    def follow(self, pod: PodWatch) -> JobResult:
        """Stream the containers' logs in turn, then read the end from the pod.

        Raises:
            JobFailure: the job has failed.
            TaskDeferred: the triggerer follows the pod from here.
            WorkerEnds: the worker has to end, and the job goes on.
        """
        begin, kept = self.shift.begin, self._raw_path()
        with job_log(lambda line: self._log.info("%s", line), kept, self.masker, begin) as log:
            follower = Follower(
                log=log,
                coverage=self._coverage,
                starting=self._starting,
                patience=self.start_timeout,
                begin=begin,
                on_build=lambda: self._warned(pod),
                stuck=self.shift.why == "stuck",
                services=self.services.watch(),
            )
            try:
                io = WorkerIO(pod=pod, leave_at=self.shift.leave_at, stay=lambda: self._stay(pod))
                with following(), self.services.logs(pod, log):
                    end = io.perform(follower.steps())
            except TimeToLeave:
                refuse_if_over(self.shift, self.operator)
                self._hand_over(pod, follower.position())
            finally:
                pod.close()
            if not follower.warned and end.kind == "over":
                self._log_warnings(pod)
            if follower.stuck:
                log.write(early_words(pod))
            if self._starting.problem is None:
                self.services.tell(pod, log, follower.services.death, end.pod)
        self.ended = True
        self._refuse_if_not_started(pod, end, log.size)
        return self._result(pod, end.pod or pod.read())

    def _stay(self, pod: PodWatch) -> float:
        """Tell for how many seconds more there is nobody to leave the pod to, or nothing."""
        if is_over(self.shift):
            return 0
        if was_killed(self.operator):  # the pod ends, and no task is left that could be deferred
            return self.shift.left
        if not self.shift.trusts and not is_going_on(pod.read()):  # its log is soon read
            return self.shift.left
        seconds = longer_shift(self.shift, self.triggerer(), self._say_once)
        if seconds or self.still_runs(self.run):
            return seconds
        return _SOON  # a person has ended the task, and Airflow is about to stop this worker

    def _say_once(self, words: str) -> None:
        if words != self._said:
            self._log.warning("%s", words)
        self._said = words

    def _hand_over(self, pod: PodWatch, position: Position) -> NoReturn:
        """Leave the pod to the triggerer, which shows no warnings.

        Raises:
            TaskDeferred: always.
        """
        if not position.warned:
            self._log_warnings(pod)
            position = replace(position, shown=self._shown)
        self._log.info("the triggerer follows the pod from here on, without a worker")
        hand_over(
            replace(self.shift, services=self.services.names),
            self.operator,
            self.run,
            position=position,
            patience=self.start_timeout,
            kept=self._raw_path(),
        )

    def _warned(self, pod: PodWatch) -> bool:
        self._log_warnings(pod)
        return True

    def _refuse_if_not_started(self, pod: PodWatch, end: End, written: int) -> None:
        """Say why a pod did not start.

        Raises:
            PullFailure: an image could not be pulled.
            JobFailure: something has kept it from starting.
        """
        if end.kind == "over":
            return
        events = self._log_warnings(pod)
        problem = self._starting.problem
        if problem is not None:
            words = [*self._starting.registries, *pull_failures(events)]
            if problem.failure_reason is FailureReason.IMAGE_PULL_FAILURE:
                raise PullFailure(problem.because(words), problem.container, written)
            raise JobFailure(problem.because(words), reason=problem.failure_reason)
        seconds = self.start_timeout
        why = pending_words(pod.read(), events)
        raise SystemFailure(f"pod {pod.name} did not start within {seconds} s: {why}")

    def _log_warnings(self, pod: PodWatch) -> list[k8s.CoreV1Event]:
        """Log the pod's warning events, as the runner does by default, and return them."""
        events = pod.client.list_namespaced_event(
            pod.namespace, field_selector=f"involvedObject.name={pod.name},type=Warning"
        ).items
        for event in events:
            message, name = event.message or "", event.metadata.name
            if not (was_early(message, pod.name) or name in self._shown):
                self._log.warning("%s: %s", event.reason, self.masker.text(message))
                self._shown = (*self._shown, name)
        return list(events)

    def _result(self, pod: PodWatch, seen: SeenPod) -> JobResult:
        end = outcome(seen)
        if end.left_out:
            self._log.warning(_LEFT_OUT, end.left_out)
        result = result_of(end, pod.name, self._coverage.value, self.archive_key)
        if names_foreign(end, result):
            self._log.warning("the pod named artifacts that are not of this job; they are ignored")
        if end.failure_reason is None:
            return result
        raise PodFailure(
            end.message, reason=end.failure_reason, exit_code=end.exit_code, result=result
        )

    def _raw_path(self) -> Path | None:
        folder = self.run.settings.job_logs_folder
        if not folder:
            return None
        ti = self.run.context["ti"]
        parts = (ti.dag_id, ti.run_id, ti.task_id, f"{ti.try_number}.log")
        return Path(folder).joinpath(*parts)

    @property
    def _log(self) -> Any:
        return self.operator.log


def taken_over(operator: KubernetesPodOperator) -> PodWatch:
    """Watch the pod that the triggerer has followed."""
    pod: Any = operator.pod
    metadata = pod.metadata
    return PodWatch(client=operator.client, name=metadata.name, namespace=metadata.namespace)

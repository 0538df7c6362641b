"""How long a worker stays with a job's pod: until the end, for a while, or not at all.

Then the triggerer follows the pod, and a worker comes back when that is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes import client as k8s

from gitlab_ci_provider.airflow_internals.tasks import defer, instance_name, task_states
from gitlab_ci_provider.exceptions import TimeoutFailure
from gitlab_ci_provider.hooks.triggerer import Life
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.pods.grace import grace_of_job, noted_grace
from gitlab_ci_provider.runs.job.handover import Handover, Why, pack
from gitlab_ci_provider.runs.job.position import BEGINNING, Position
from gitlab_ci_provider.runs.job.trigger import JobPodTrigger
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.settings import Settings

_SECOND_SHIFT_SECONDS = 60
"""A worker that comes back for a pod that has not ended stays for so long at least."""

_CLOCKS = 1
"""Seconds by which the two clocks here may differ."""

_STAYS: dict[Life, str] = {
    "dead": "no triggerer is alive, so the worker stays with the pod; start `airflow triggerer`, "
    "or set [gitlab_ci] waiting = worker",
    "unknown": "nobody can tell whether a triggerer is alive, so the worker stays with the pod; "
    "[gitlab_ci] waiting = deferred leaves it nevertheless",
}

_LAST_RESORT = timedelta(minutes=10)
"""After the job's timeout: a task whose triggerer has not come back by then gets a worker."""

_NO_TIMEOUT = 10 * 365 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One worker's time with a pod.

    Attributes:
        begin: how far the pod was followed before.
        why: why the triggerer has given it back.
        ends: when the worker leaves, by the monotonic clock; None if it stays.
        deadline: when the job's timeout is over, in seconds since 1970.
        services: names of the containers of the job's services.
        unsettled: names of containers with another pull policy.
        hides: Airflow Variables with values that the triggerer has to hide.
        hop: the next one to a triggerer.
        trusts: the pod may be left though nobody can tell whether a triggerer is alive.
        archive_key: of this try, if no worker has to come back when the job passes.
    """

    begin: Position = BEGINNING
    why: Why = ""
    ends: float | None
    deadline: float
    services: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    hop: int = 1
    trusts: bool = False
    archive_key: str = ""

    @property
    def leave_at(self) -> float:
        """When the worker leaves in any case, by the monotonic clock: the job's time may be over.

        Airflow's own timeout does not know that of a runner.
        """
        over = time.monotonic() + self.left
        return over if self.ends is None else min(self.ends, over)

    @property
    def left(self) -> float:
        """Seconds until the job's time is over."""
        return self.deadline - _now()


def first_shift(operator: KubernetesPodOperator, settings: Settings) -> Shift:
    """Begin with a pod."""
    timeout = operator.execution_timeout
    seconds = timeout.total_seconds() if timeout else _NO_TIMEOUT
    ends = None
    if settings.waiting != "worker":
        patience = settings.defer_after if settings.waiting == "adaptive" else 0
        ends = time.monotonic() + patience
    trusts = settings.waiting == "deferred"
    return Shift(ends=ends, deadline=_now() + seconds, trusts=trusts)


def to_the_end(shift: Shift) -> Shift:
    """Stay with a pod that nobody else may follow."""
    return replace(shift, ends=None)


def within(shift: Shift, operator: KubernetesPodOperator, seconds: int) -> Shift:
    """Shorten the job's timeout to what its runner allows."""
    timeout = operator.execution_timeout
    operator.execution_timeout = min(timeout or timedelta.max, timedelta(seconds=seconds))
    return replace(shift, deadline=min(shift.deadline, _now() + seconds))


def next_shift(operator: KubernetesPodOperator, settings: Settings, handed: Handover) -> Shift:
    """Take over from the triggerer: from now on the task has this pod.

    Raises:
        TimeoutFailure: its time is over.
    """
    operator.kubernetes_conn_id = handed.connection
    operator.namespace = handed.namespace
    metadata = k8s.V1ObjectMeta(
        name=handed.pod,
        namespace=handed.namespace,
        uid=handed.uid,
        labels={},
        annotations=noted_grace(handed.grace),
    )
    operator.pod = k8s.V1Pod(metadata=metadata)
    if handed.timeout:
        operator.execution_timeout = timedelta(seconds=handed.timeout)
    ends = time.monotonic() + max(settings.defer_after, _SECOND_SHIFT_SECONDS)
    stays = settings.waiting == "worker" or handed.why == "unfit"
    return Shift(
        begin=handed.position,
        why=handed.why,
        ends=None if stays else ends,
        deadline=handed.deadline,
        unsettled=handed.unsettled,
        hop=handed.hop + 1,
        trusts=settings.waiting == "deferred",
    )


def from_new_pod(shift: Shift, begin: Position, written: int) -> Shift:
    """Begin with another pod of the same job; its log goes on."""
    return replace(shift, begin=replace(begin, size=written), why="")


def starting_within(shift: Shift, seconds: float) -> Shift:
    """Begin with a pod that has these seconds left to start."""
    return replace(shift, begin=replace(shift.begin, start_left=seconds, waits_since=_now()))


def longer_shift(shift: Shift, life: Life, say: Callable[[str], object]) -> float:
    """Tell for how many seconds a worker has to stay when it would leave; zero if it may.

    Args:
        shift: of the worker.
        life: of the triggerer.
        say: takes the reason.
    """
    if life == "alive" or (life == "unknown" and shift.trusts):
        return 0
    say(_STAYS[life])
    return min(_SECOND_SHIFT_SECONDS, shift.left)


def refuse_if_over(shift: Shift, operator: KubernetesPodOperator) -> None:
    """End a job whose time is over.

    Raises:
        TimeoutFailure: it is.
    """
    if shift.why == "timeout" or is_over(shift):
        raise out_of_time(operator)


def out_of_time(operator: KubernetesPodOperator) -> TimeoutFailure:
    """Say that a job's time is over."""
    return TimeoutFailure(f"ran longer than its timeout of {_timeout(operator)} s")


def is_over(shift: Shift) -> bool:
    """Tell whether the job's time is over."""
    return shift.left < _CLOCKS


def _timeout(operator: KubernetesPodOperator) -> int:
    """Return the job's timeout in seconds; 0 for none."""
    timeout = operator.execution_timeout
    return int(timeout.total_seconds()) if timeout else 0


def still_runs(run: JobRun) -> bool:
    """Ask Airflow whether the task still runs: one that a person has ended cannot be deferred."""
    ti: Any = run.context["ti"]
    return task_states(ti.dag_id, ti.run_id, [ti.task_id]).get(instance_name(ti)) == "running"


def hand_over(
    shift: Shift,
    operator: KubernetesPodOperator,
    run: JobRun,
    *,
    position: Position,
    patience: float,
    kept: Path | None,
) -> NoReturn:
    """Leave the pod to the triggerer.

    Raises:
        TaskDeferred: always; Airflow resumes the task with `follow_on`.
    """
    handover = _handover(shift, operator, position, patience)
    trigger = JobPodTrigger(
        handover=pack(handover),
        patience=patience,
        grace=run.settings.image_pull_grace,
        outage=run.settings.kubernetes_outage,
        coverage=run.job.coverage,
        kept=str(kept) if kept else "",
    )
    run.context["ti"].xcom_push(key=xcom_keys.FOLLOWED, value=pack(handover))
    defer(trigger, "follow_on", timedelta(seconds=shift.deadline - _now()) + _LAST_RESORT)


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _handover(
    shift: Shift, operator: KubernetesPodOperator, position: Position, patience: float
) -> Handover:
    pod: Any = operator.pod
    return Handover(
        connection=operator.kubernetes_conn_id or "",
        namespace=pod.metadata.namespace,
        pod=pod.metadata.name,
        uid=pod.metadata.uid or "",
        deadline=shift.deadline,
        timeout=_timeout(operator),
        patience=patience,
        position=position,
        services=shift.services,
        unsettled=shift.unsettled,
        hides=shift.hides,
        hop=shift.hop,
        grace=grace_of_job(pod),
        archive_key=shift.archive_key,
    )

"""How long a pod may still wait for its containers to start: once for all who follow it.

The time runs from the pod's creation, and stands still while a container runs that others come
after: sources may be fetched for as long as the job's timeout allows. It is measured by the clock
of those who follow the pod, whom a change of hands does not interrupt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kubernetes import client as k8s

from gitlab_ci_provider.model.workspace import HOOK_CONTAINER, PREPARE_CONTAINER

Clock = Callable[[], float]


def wall_clock() -> float:
    """Return seconds since 1970: other processes go on, whose monotonic clocks are others."""
    return datetime.now(UTC).timestamp()


@dataclass(slots=True)
class StartBudget:
    """Seconds that are left, and whether they run.

    Attributes:
        left: seconds, as of `since` if they run.
        since: from when they run, in seconds since 1970; None while they stand still.
    """

    left: float
    since: float | None
    clock: Clock = wall_clock

    def seconds(self) -> float:
        """Return how many seconds are left."""
        passed = 0.0 if self.since is None else max(0.0, self.clock() - self.since)
        return max(0.0, self.left - passed)

    def stop(self) -> None:
        """A container runs: nothing is waited for."""
        self.left, self.since = self.seconds(), None

    def go_on(self) -> None:
        """It has ended: the next one is waited for."""
        if self.since is None:
            self.since = self.clock()


def waited(pod: k8s.V1Pod, now: datetime | None = None) -> float:
    """Return for how many seconds a pod that was found has waited, as its own times tell."""
    created = pod.metadata.creation_timestamp
    if created is None:
        return 0
    now = now or datetime.now(UTC)
    statuses = (pod.status and pod.status.init_container_statuses) or ()
    waits: timedelta = now - created
    ran = sum(
        _ran(status.state, now)
        for status in statuses
        if status.name in {HOOK_CONTAINER, PREPARE_CONTAINER}
    )
    return max(0.0, waits.total_seconds() - ran)


def _ran(state: k8s.V1ContainerState | None, now: datetime) -> float:
    if state is None:
        return 0
    if state.running is not None and state.running.started_at:
        runs: timedelta = now - state.running.started_at
        return runs.total_seconds()
    ended = state.terminated
    if ended is None or not (ended.started_at and ended.finished_at):
        return 0
    ran: timedelta = ended.finished_at - ended.started_at
    return ran.total_seconds()

"""Judging a pod that is starting by all that is seen of it: what to say, and when to give up.

A node may have to be added first, and a registry may stutter. Both are given time and are told to
the person who waits. What cannot come right by itself ends the job at once, see `status.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.pods.evidence import event_time
from gitlab_ci_provider.pods.pulls import FAILED, PULLING
from gitlab_ci_provider.pods.start_budget import Clock, wall_clock
from gitlab_ci_provider.pods.status import (
    StartProblem,
    condition,
    container_state,
    start_problem,
    waiting_containers,
    why_pending,
)

_MOST_SAID = 50
"""Different reasons to wait, after which nothing more is said."""
_PROGRESS_SECONDS = 30
"""How often the progress of a long pull is said."""


@dataclass(slots=True, kw_only=True)
class Starting:
    """Watches one pod start.

    Attributes:
        unsettled: containers with another pull policy, for which there is no grace.
        grace: seconds for which an image may fail to be pulled; the first try that fails after
            them is the last.
        failing_since: when the first pull failed, in seconds since 1970; the next follower of
            the pod goes on from there.
        say: is told why the pod waits, each reason once.
        problem: why the pod will never start; None as long as it may.
        registries: what they have said of images, newest last.
    """

    grace: float
    unsettled: Collection[str] = ()
    say: Callable[[str], object] = lambda _: None
    clock: Clock = wall_clock
    failing_since: float | None = None
    problem: StartProblem | None = field(default=None, init=False)
    registries: list[str] = field(default_factory=list, init=False)
    _said: set[str] = field(default_factory=set, init=False)
    _progress_at: float | None = field(default=None, init=False)

    def is_hopeless(self, pod: k8s.V1Pod) -> bool:
        """Look at the pod; tell whether it will never start."""
        self._tell(pod)
        self.problem = start_problem(pod) or self._pull_problem(pod)
        return self.problem is not None

    def tell_slow(self, pod: k8s.V1Pod, name: str) -> None:
        """Say that a container takes its time, unless something else has been said of it."""
        scheduled = condition(pod, "PodScheduled")
        is_placed = scheduled is not None and scheduled.status == "True"
        is_pulling = container_state(pod, name).reason in PULLING
        if is_placed and not is_pulling and self._progress_at is None:
            why = "its image is pulled, a volume is not there yet, or the node is busy"
            self._say_once(f"pod {pod.metadata.name} is waiting for its container '{name}': {why}")

    def _pull_problem(self, pod: k8s.V1Pod) -> StartProblem | None:
        """Give up pulling an image when the grace is over."""
        first = next((one for one in waiting_containers(pod) if one.reason in PULLING), None)
        if first is None:
            return None
        if first.reason in FAILED and first.message:
            self.registries.append(first.message)
            self._say_once(f"image {first.image} cannot be pulled, trying again: {first.message}")
        now = self.clock()
        if self.failing_since is None:
            self.failing_since = now
        seconds = now - self.failing_since
        grace = 0 if first.name in self.unsettled else self.grace
        if seconds < grace or first.reason not in FAILED:
            return None
        return StartProblem(
            failure_reason=FailureReason.IMAGE_PULL_FAILURE,
            message=f"{first.words} (tried again for {seconds:.0f} s)" if seconds else first.words,
            container=first.name,
        )

    def _tell(self, pod: k8s.V1Pod) -> None:
        scheduled = condition(pod, "PodScheduled")
        if scheduled and scheduled.status != "True":
            why = scheduled.message or scheduled.reason or "none yet"
            self._say_once(f"pod {pod.metadata.name} is waiting for a node: {why}")
        for container in waiting_containers(pod):
            if container.reason == "ContainerCreating" and container.message:
                self._say_progress(container.message)

    def _say_progress(self, text: str) -> None:
        """Tell how far a pull is: the embedded cluster says so while a container is created."""
        now = self.clock()
        if self._progress_at is None or now - self._progress_at >= _PROGRESS_SECONDS:
            self._progress_at = now
            self.say(text)

    def _say_once(self, text: str) -> None:
        if text not in self._said and len(self._said) < _MOST_SAID:
            self._said.add(text)
            self.say(text)


def pending_words(pod: k8s.V1Pod, warnings: Iterable[k8s.CoreV1Event]) -> str:
    """Return what a pod has been waiting for, with Kubernetes' newest warning if it says more."""
    why = why_pending(pod)
    newest = max(warnings, key=event_time, default=None)
    said = (newest.message or "") if newest else ""
    return f"{why}: {said}" if said and said not in why else why

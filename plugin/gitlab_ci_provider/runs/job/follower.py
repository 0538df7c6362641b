"""Following a job's pod through its containers, in whatever process: what has been seen decides.

Nothing here reads or waits; `pods/asking.py` tells how that is asked for. So the worker and the
triggerer follow a pod in the same way, and one can go on where the other has stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from gitlab_ci_provider.model.log_frames import FrameReader
from gitlab_ci_provider.model.workspace import (
    BUILD_CONTAINER,
    HELPER_CONTAINER,
    HOOK_CONTAINER,
    PREPARE_CONTAINER,
)
from gitlab_ci_provider.pods.asking import NextChunk, Steps, Until
from gitlab_ci_provider.pods.log_follower import LogFollower
from gitlab_ci_provider.pods.seen import SeenPod
from gitlab_ci_provider.pods.service_watch import ServiceWatch
from gitlab_ci_provider.pods.start_budget import Clock, StartBudget, wall_clock
from gitlab_ci_provider.pods.starting import Starting
from gitlab_ci_provider.pods.status import (
    container_state,
    has_ended,
    has_lost_helper,
    still_runs,
)
from gitlab_ci_provider.runs.job.coverage import CoverageScan
from gitlab_ci_provider.runs.job.log import JobLog
from gitlab_ci_provider.runs.job.position import BEGINNING, Position

_LOST_HELPER_SECONDS = 3
"""The end of the build may be known a moment later than that of the helper."""

_QUIET_SECONDS = 30
"""For so long a container may take to start without a word."""

_CONTAINERS = (HOOK_CONTAINER, PREPARE_CONTAINER, BUILD_CONTAINER, HELPER_CONTAINER)

Kind = Literal["over", "late", "hopeless"]
"""The job is over; its pod did not start in time; its pod will never start."""


@dataclass(frozen=True, slots=True)
class End:
    """Why nothing is left to follow, and the pod as it was then if it was seen."""

    kind: Kind
    pod: SeenPod | None


@dataclass(slots=True, kw_only=True)
class Follower:
    """Follows the pod of a job to its end.

    Attributes:
        log: of the job.
        coverage: is looked for in the log.
        starting: judges the pod while it starts.
        services: judges those of the job until its script has started.
        patience: seconds for which the pod may wait for containers to start, in all.
        begin: where an earlier follower has stopped.
        on_build: is told that the build has started; shows the pod's warnings if it can.
        warned: the pod's warnings have been shown.
        stuck: the build ended before it met the helper, so that its words are not in the log.
    """

    log: JobLog
    coverage: CoverageScan
    starting: Starting
    patience: float
    services: ServiceWatch = field(default_factory=ServiceWatch)
    begin: Position = BEGINNING
    on_build: Callable[[], bool] = lambda: False
    stuck: bool = False
    warned: bool = field(default=False, init=False)
    clock: Clock = wall_clock
    _budget: StartBudget = field(init=False)
    _container: str = field(default="", init=False)
    _source: LogFollower | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Begin where the other has stopped."""
        begin = self.begin
        self._container, self.warned = begin.container, begin.warned
        left, since = begin.start_left, begin.waits_since
        if left is None:
            left, since = self.patience, self.clock()
        self._budget = StartBudget(left, since, self.clock)
        self.starting.failing_since = begin.pull_fails_since

    def steps(self) -> Steps[End]:
        """Follow the log of one container after the other, and wait until the last has ended."""
        while self._container:
            seen = yield from self._decision()
            if seen is None:
                return End("late", None)
            if self._is_hopeless():
                return End("hopeless", seen)
            if container_state(seen, self._container).phase == "waiting":
                break  # the pod has ended before it came so far
            self._budget.stop()
            yield from self._follow()
            if self._is_hopeless():
                return End("hopeless", None)
        self._container, self._source = "", None
        return End("over", (yield from self._wait_for_end()))

    def _decision(self) -> Steps[SeenPod | None]:
        """Wait until the container has started or never will; give nothing if that is too late."""
        first = min(_QUIET_SECONDS, self._budget.seconds())
        seen: SeenPod | None = yield Until(condition=self._is_decided, seconds=first)
        left = self._budget.seconds()
        if seen is not None or not left:
            return seen
        slow: SeenPod | None = yield Until(condition=bool, seconds=0)
        if slow is not None:
            self.starting.tell_slow(slow, self._container)
        seen = yield Until(condition=self._is_decided, seconds=left)
        return seen

    def position(self) -> Position:
        """Stop here: give the place from which another follower can go on."""
        shown = self.log.leave()
        line, time = self._place(shown=shown)
        return Position(
            container=self._container,
            line=line,
            time=time,
            size=self.log.size,
            cut=shown,
            groups=self.log.groups,
            coverage=self.coverage.value,
            warned=self.warned,
            shown=self.begin.shown,
            start_left=self._budget.left,
            waits_since=self._budget.since,
            pull_fails_since=self.starting.failing_since,
        )

    def _place(self, *, shown: bool) -> tuple[int, int]:
        """Tell the line and the time up to which the log of this container was written."""
        if self._source is not None:
            frames = self._source.frames
            return (frames.last if shown else frames.whole), frames.time
        is_first = self._container == self.begin.container
        return (self.begin.line, self.begin.time) if is_first else (0, 0)

    def _is_decided(self, pod: SeenPod) -> bool:
        """Return whether the container has started, or never will."""
        begun = container_state(pod, self._container).phase != "waiting"
        hopeless = self.starting.is_hopeless(pod) or self.services.is_hopeless(pod, self._container)
        return hopeless or begun or has_ended(pod)

    def _is_hopeless(self) -> bool:
        return self.starting.problem is not None or self.services.death is not None

    def _follow(self) -> Steps[None]:
        """Follow the container, and go on to the next one."""
        if self._container == BUILD_CONTAINER:
            self.warned = self.on_build()  # the helper passes on what the scripts write
        else:
            yield from self._copy()
        following = _CONTAINERS.index(self._container) + 1
        self._container = _CONTAINERS[following] if following < len(_CONTAINERS) else ""
        self._source = None
        self._budget.go_on()

    def _copy(self) -> Steps[None]:
        mine = self._container == self.begin.container
        frames = FrameReader(self.begin.line, self.begin.time) if mine else FrameReader()
        self._source = LogFollower(container=self._container, put=self._put, frames=frames)
        yield from self._looking_after_services(self._source.steps())
        self.stuck = self._source.stuck
        self.log.flush()
        self.coverage.flush()

    def _looking_after_services(self, steps: Steps[None]) -> Steps[None]:
        """Take the steps, and look at the pod in between as long as the helper may be waiting."""
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration:
                return
            answer = yield request
            preparing = self._container == PREPARE_CONTAINER and isinstance(request, NextChunk)
            if preparing and self.services.is_due():
                dead = yield Until(condition=self.services.is_dead, seconds=0)
                if dead is not None:
                    steps.close()
                    return

    def _put(self, block: bytes) -> None:
        if not block:
            self.log.pause()
            return
        self.log.write(block)
        self.coverage.see(block)

    def _wait_for_end(self) -> Steps[SeenPod | None]:
        patience = 0 if self.stuck else self.patience
        seen: SeenPod | None = yield Until(condition=_is_over, seconds=patience)
        if seen is None or not has_lost_helper(seen):
            return seen
        least = min(patience, _LOST_HELPER_SECONDS)
        found: SeenPod | None = yield Until(condition=_has_stopped, seconds=least)
        return found


def _is_over(pod: SeenPod) -> bool:
    return _has_stopped(pod) or has_lost_helper(pod)


def _has_stopped(pod: SeenPod) -> bool:
    return not still_runs(pod)

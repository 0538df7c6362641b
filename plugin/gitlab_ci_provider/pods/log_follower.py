"""Following a container's log: every line once and as it was written, over broken connections.

The helper has numbered the lines. A line that arrives twice is dropped, lost lines are counted and
reported where they are missing, and an error text of the API is not mistaken for a log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from gitlab_ci_provider.model.log_frames import FrameReader
from gitlab_ci_provider.model.workspace import BUILD_CONTAINER
from gitlab_ci_provider.pods.asking import IsSilent, NextChunk, OpenLog, Pause, Steps, Until
from gitlab_ci_provider.pods.outcome import lines_written
from gitlab_ci_provider.pods.seen import SeenPod
from gitlab_ci_provider.pods.status import container_state, has_ended

_SETTLE_SECONDS = 3
"""The log ends up to a second before the status says so."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0

_EARLIER_SECONDS = 3
"""How far before the last known time to continue: the node truncates to whole seconds."""

_SILENT_SECONDS, _FIRST_WORD_SECONDS = 75, 5
"""A log that is silent for longer is requested again: once the helper has met the build, it writes
a sign of life even while nothing happens."""

_MOST_BREAKS, _MOST_ENDS = 24, 4
"""How often to ask again, without any progress, for the rest of a log that has ended: when the
connection breaks, and when there is nothing more."""

_MOST_PROBES = 5
"""How often a helper's log must be found empty after the build's end: it may be about to speak."""

End = Literal["clean", "broken", "too late"]


@dataclass(slots=True, kw_only=True)
class LogFollower:
    """Follows the log of one container that runs the helper, to its end.

    Attributes:
        put: takes the output as it comes, mostly in whole lines; nothing (`b""`) means that the
            rest of the line before it may take a while.
        frames: has read the log up to where this begins.
        missing: lines that were lost.
        stuck: the build has ended without ever having met the helper, which waits for it.
    """

    container: str
    put: Callable[[bytes], object]
    frames: FrameReader = field(default_factory=FrameReader)
    missing: int = 0
    stuck: bool = False
    _probes: int = 0

    def steps(self) -> Steps[None]:
        """Follow the log to its end."""
        asked, all_of_it = 0, False
        while True:
            before = self.frames.last
            end = yield from self._follow(None if all_of_it else self._since())
            asked = 0 if self.frames.last > before else asked + 1
            all_of_it = end == "too late" or (end == "clean" and asked > 1)
            if end == "too late":
                continue
            settle = _SETTLE_SECONDS if end == "clean" else 0
            ended = yield Until(condition=self._has_ended, seconds=settle)
            if ended is not None:
                left = self._left(ended)
                done = left == 0 or (left is None and not self.frames.strange)
                if done and end == "clean":
                    return
                if asked >= (_MOST_ENDS if end == "clean" else _MOST_BREAKS):
                    self._tell(left, end)
                    return
            elif (yield from self._is_stuck()):
                return
            yield Pause(seconds=min(_FIRST_PAUSE * 2**asked, _LONGEST_PAUSE))

    def _has_ended(self, pod: SeenPod) -> bool:
        return has_ended(pod) or container_state(pod, self.container).phase == "terminated"

    def _is_stuck(self) -> Steps[bool]:
        """Look whether the helper waits for a build that is over."""
        if self.frames.time or (yield Until(condition=self._waits_in_vain, seconds=0)) is None:
            return False
        self._probes += yield IsSilent(container=self.container)
        self.stuck = self._probes >= _MOST_PROBES
        return self.stuck

    def _waits_in_vain(self, pod: SeenPod) -> bool:
        names = (BUILD_CONTAINER, self.container)
        build, ours = (container_state(pod, name).phase for name in names)
        return (build, ours) == ("terminated", "running")

    def _left(self, pod: SeenPod) -> int | None:
        """Count the lines that are still to come; None when the container could not say."""
        written = lines_written(pod, self.container)
        return max(0, written - self.frames.last) if written is not None else None

    def _follow(self, since: int | None) -> Steps[End]:
        """Follow one connection; what an earlier one has brought is left out."""
        resumed = since is not None
        silence = _SILENT_SECONDS if self.frames.time else _FIRST_WORD_SECONDS
        yield OpenLog(container=self.container, since=since, silence=silence)
        try:
            while isinstance(chunk := (yield NextChunk()), bytes):
                for part in self.frames.feed(chunk):
                    if isinstance(part, bytes):
                        self.put(part)
                    elif resumed:  # we have asked for too little, or it is lost
                        return "too late"
                    else:
                        self._tell(part, "clean")
                    resumed = resumed and part == b""
        finally:
            self.frames.hang_up()
        end: End = chunk
        return end

    def _since(self) -> int | None:
        """Say from when on to read, by the node's clock; None for everything."""
        return self.frames.time - _EARLIER_SECONDS if self.frames.time else None

    def _tell(self, lost: int | None, end: End) -> None:
        """Say in the log that lines are missing."""
        said = self.frames.strange.decode("utf-8", "replace").strip()
        if lost == 0 or (lost is None and end == "clean" and not said):
            return
        self.missing += lost or 0
        count = {None: "lines may be", 1: "1 line is"}.get(lost, f"{lost} lines are")
        why = f" Kubernetes said: {said}" if said else ""
        text = f"{count} missing here: the node or the connection to it has lost them.{why}"
        self.put(f"\x1b[31;1mERROR: {text}\x1b[0;m\n".encode())

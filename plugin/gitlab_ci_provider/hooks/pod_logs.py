"""Following a container's log: every line once and as it was written, over broken connections.

The helper has numbered the lines. A line that arrives twice is dropped, lost lines are counted and
reported where they are missing, and an error text of the API is not mistaken for a log.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.model.log_frames import FrameReader
from gitlab_ci_provider.model.workspace import BUILD_CONTAINER
from gitlab_ci_provider.pods.outcome import lines_written
from gitlab_ci_provider.pods.status import container_state, has_ended

_SETTLE_SECONDS = 3
"""The log ends up to a second before the status says so."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0

_EARLIER_SECONDS = 3
"""How far before the last known time to continue: the node truncates to whole seconds."""

_CONNECT_SECONDS, _SILENT_SECONDS, _FIRST_WORD_SECONDS = 10, 75, 5
"""A log that is silent for longer is requested again: once the helper has met the build, it writes
a sign of life even while nothing happens."""

_MOST_BREAKS, _MOST_ENDS = 24, 4
"""How often to ask again, without any progress, for the rest of a log that has ended: when the
connection breaks, and when there is nothing more."""

_MOST_PROBES = 5
"""How often a helper's log must be found empty after the build's end: it may be about to speak."""

_REFUSALS = {400, 404, 408, 410, 429}
"""Of the API: it may answer differently later, as after any error of its own."""

_STAMPED = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* ")
"""The API's own texts have no time."""

End = Literal["clean", "broken", "too late"]


@dataclass(slots=True, kw_only=True)
class ContainerLog:
    """The log of one container that runs the helper, from its beginning to its end.

    Attributes:
        missing: lines that were lost.
        stuck: the build has ended without ever having met the helper, which waits for it.
    """

    pod: PodWatch
    container: str
    sleep: Callable[[float], None] = time.sleep
    missing: int = 0
    stuck: bool = False
    _frames: FrameReader = field(default_factory=FrameReader)
    _probes: int = 0
    _lag: float | None = None
    """The least difference between our clock and the times in the log."""

    def blocks(self) -> Iterator[bytes]:
        """Yield the output as it comes, mostly in whole lines.

        An empty block means that the rest of the line before it may take a while.
        """
        asked, end, all_of_it = 0, "clean", True
        while True:
            before = self._frames.last
            end = yield from self._follow(None if all_of_it else self._since())
            asked = 0 if self._frames.last > before else asked + 1
            all_of_it = end == "too late" or (end == "clean" and asked > 1)
            if end == "too late":
                continue
            ended = self.pod.until(self._ended, _SETTLE_SECONDS if end == "clean" else 0)
            if ended is not None:
                left = self._left(ended)
                done = left == 0 or (left is None and not self._frames.strange)
                if self.stuck or (done and end == "clean"):
                    return
                if asked >= (_MOST_ENDS if end == "clean" else _MOST_BREAKS):
                    yield from self._tell(left, end)
                    return
            self.sleep(min(_FIRST_PAUSE * 2**asked, _LONGEST_PAUSE))

    def _ended(self, pod: k8s.V1Pod) -> bool:
        build = container_state(pod, BUILD_CONTAINER).phase
        ours = container_state(pod, self.container).phase
        if not self._frames.time and (build, ours) == ("terminated", "running"):
            self._probes += self._is_empty()
            self.stuck = self._probes >= _MOST_PROBES
        return self.stuck or has_ended(pod) or ours == "terminated"

    def _is_empty(self) -> bool:
        """Tell whether the API knows for certain that nothing was written."""
        try:
            return not self._ask(follow=False).data
        except (ApiException, HTTPError):
            return False

    def _left(self, pod: k8s.V1Pod) -> int | None:
        """Count the lines that are still to come; None when the container could not say."""
        written = lines_written(pod, self.container)
        return max(0, written - self._frames.last) if written is not None else None

    def _follow(self, since: int | None) -> Generator[bytes, None, End]:
        """Follow one connection; what an earlier one has brought is left out."""
        resumed = since is not None
        try:
            for chunk in self._chunks(since):
                for part in self._frames.feed(chunk):
                    if isinstance(part, bytes):
                        yield part
                    elif resumed:  # we have asked for too little, or it is lost
                        return "too late"
                    else:
                        yield from self._tell(part, "clean")
                    resumed = resumed and part == b""
                self._look_at_clock()
        except HTTPError:
            return "broken"
        except ApiException as problem:
            if problem.status not in _REFUSALS and (problem.status or 500) < 500:
                raise
            return "broken"
        finally:
            self._frames.hang_up()
        return "clean"

    def _chunks(self, since: int | None) -> Iterator[bytes]:
        silent = _SILENT_SECONDS if self._frames.time else _FIRST_WORD_SECONDS
        timeout = (_CONNECT_SECONDS, silent)
        response = self._ask(follow=True, since_seconds=since, _request_timeout=timeout)
        try:
            yield from response.stream(decode_content=False)
        finally:
            response.close()
            response.release_conn()

    def _ask(self, **options: Any) -> Any:
        return self.pod.client.read_namespaced_pod_log(
            self.pod.name,
            self.pod.namespace,
            container=self.container,
            _preload_content=False,
            **options,
        )

    def _look_at_clock(self) -> None:
        if self._frames.time:
            lag = time.monotonic() - self._frames.time
            self._lag = lag if self._lag is None else min(self._lag, lag)

    def _since(self) -> int | None:
        """Say for how many seconds to read back, by the node's clock; None for everything."""
        if self._lag is None:
            return None
        return max(1, int(time.monotonic() - self._lag - self._frames.time) + _EARLIER_SECONDS)

    def _tell(self, lost: int | None, end: End) -> Iterator[bytes]:
        """Say in the log that lines are missing."""
        said = self._frames.strange.decode("utf-8", "replace").strip()
        if lost == 0 or (lost is None and end == "clean" and not said):
            return
        self.missing += lost or 0
        count = {None: "lines may be", 1: "1 line is"}.get(lost, f"{lost} lines are")
        why = f" Kubernetes said: {said}" if said else ""
        text = f"{count} missing here: the node or the connection to it has lost them.{why}"
        yield f"\x1b[31;1mERROR: {text}\x1b[0;m\n".encode()


def early_words(pod: PodWatch) -> bytes:
    """Read what the build container has said by itself: why its shell, say, could not start.

    All that its scripts write goes to the helper.
    """
    try:
        answer: Any = pod.client.read_namespaced_pod_log(
            pod.name,
            pod.namespace,
            container=BUILD_CONTAINER,
            timestamps=True,
            tail_lines=100,
            _preload_content=False,
        )
        lines: list[bytes] = answer.data.splitlines(keepends=True)
    except (ApiException, HTTPError):
        return b""
    return b"".join(line.partition(b" ")[2] for line in lines if _STAMPED.match(line))

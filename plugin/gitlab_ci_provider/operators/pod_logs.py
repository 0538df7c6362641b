"""Following a container's log: every line once and as it was written, over broken connections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.operators.pod_watch import PodWatch
from gitlab_ci_provider.pods.status import container_state, has_ended

_SETTLE_SECONDS = 3
"""The log ends up to a second before the status says so."""

_LONGEST = 256 * 1024
"""Bytes of a line without an end that are kept in memory."""


@dataclass(slots=True)
class ContainerLog:
    """The log of one container, from its beginning to its end."""

    pod: PodWatch
    container: str
    _last: str = field(default="")

    def lines(self) -> Iterator[bytes]:
        """Yield the lines as they come, each with its line end if it has one.

        A very long line comes in pieces.
        """
        while True:
            yield from self._follow()
            ended = self.pod.until(self._ended, _SETTLE_SECONDS)
            if ended is not None:
                return

    def _ended(self, pod: object) -> bool:
        return has_ended(pod) or container_state(pod, self.container).phase == "terminated"

    def _follow(self) -> Iterator[bytes]:
        """Follow one connection; a line that an earlier one has yielded is left out."""
        resumed = self._last
        try:
            begins, wanted = True, True
            for piece in _split(self._chunks()):
                text = piece
                if begins:
                    stamp, _, text = piece.partition(b" ")
                    moment = stamp.decode(errors="replace")
                    wanted = not resumed or moment > resumed
                    self._last = moment if wanted else self._last
                begins = piece.endswith(b"\n")
                if wanted:
                    yield text
        except HTTPError:
            return
        except ApiException as problem:
            if problem.status not in {400, 404, 500, 503}:
                raise

    def _chunks(self) -> Iterator[bytes]:
        response = self.pod.client.read_namespaced_pod_log(
            self.pod.name,
            self.pod.namespace,
            container=self.container,
            follow=True,
            timestamps=True,
            since_seconds=self._since(),
            _preload_content=False,
        )
        try:
            yield from response.stream(decode_content=False)
        finally:
            response.release_conn()
            response.close()

    def _since(self) -> int | None:
        """Ask for a little more than is missing: the server cuts to whole seconds."""
        if not self._last:
            return None
        last = datetime.fromisoformat(self._last[:19] + "+00:00")
        return max(1, int((datetime.now(UTC) - last).total_seconds()) + 2)


def _split(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut into lines, and lines that are longer than anybody reads into pieces."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line + b"\n" for line in whole)
        if len(rest) > _LONGEST:
            yield rest
            rest = b""
    if rest:
        yield rest

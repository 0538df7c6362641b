"""CI_DEBUG_SERVICES: the logs of services in the log of their job, as they come.

Each service has a thread that follows its log. A line has the name of its service before it, and
secrets are hidden in it as in the job's own lines. A broken connection is made again; the node's
time of each line tells what has been seen already.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.hooks.pod_worker_io import ask_for_log
from gitlab_ci_provider.hooks.streams import Lines, Stream
from gitlab_ci_provider.pods.log_answers import log_query
from gitlab_ci_provider.runs.job.log import JobLog
from gitlab_ci_provider.variables.masking import Masker, log_masker

_VARIABLE = "CI_DEBUG_SERVICES"

_SILENT_SECONDS = 15.0
"""A log that is silent for longer is asked for again; so an end is noticed that nobody has told."""

_PAUSE_SECONDS = 1.0

_STAMPED = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) (.*)", re.DOTALL)

_GREY, _RESET = b"\x1b[0;90m", b"\x1b[0;m"


def is_debugged(variables: Mapping[str, str]) -> bool:
    """Tell whether a job wants the logs of its services in its own."""
    return variables.get(_VARIABLE, "").lower() in {"true", "t", "1"}


class ServiceLogs:
    """Copies the logs of services while the job runs; as a context manager.

    Args:
        pod: where they are.
        services: names of their containers.
        log: of the job.
        masked: what must not be seen.
    """

    def __init__(
        self, pod: PodWatch, services: Collection[str], log: JobLog, masked: Iterable[str]
    ):
        values = tuple(masked)
        self._ended = threading.Event()
        self._logs = [_ServiceLog(pod, name, log, log_masker(values)) for name in services]

    def __enter__(self) -> Self:
        """Begin."""
        for log in self._logs:
            threading.Thread(target=log.follow, args=(self._ended,), daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop, and copy what is left: Kubernetes ends the services once the job has ended."""
        self._ended.set()
        for log in self._logs:
            log.copy_rest()


class _ServiceLog:
    """The log of one service."""

    def __init__(self, pod: PodWatch, name: str, log: JobLog, masker: Masker):
        self._pod = pod
        self._name = name
        self._log = log
        self._masker = masker
        self._lock = threading.Lock()
        self._last = b""
        self._turn = 0

    def follow(self, ended: threading.Event) -> None:
        """Copy lines until the job has ended; a service may be started again meanwhile."""
        while not ended.is_set():
            with suppress(ApiException, HTTPError, TimeoutError):
                self._copy(turn=0, follow=True)
            ended.wait(_PAUSE_SECONDS)

    def copy_rest(self) -> None:
        """Copy what has not been seen yet, and nothing more after that."""
        self._next_turn()
        with suppress(ApiException, HTTPError, TimeoutError):
            self._copy(turn=1, follow=False)
        self._next_turn()

    def _next_turn(self) -> None:
        with self._lock:
            self._turn += 1

    def _copy(self, *, turn: int, follow: bool) -> None:
        """Copy the lines of one connection; those that an earlier one has brought are left out."""
        seen = self._last
        query = [*log_query(self._name, follow=follow), ("timestamps", "true")]
        if seen:
            query.append(("sinceTime", seen.decode()))
        lines = Lines(Stream(ask_for_log(self._pod, query, _SILENT_SECONDS)))
        try:
            while (line := lines.line(_SILENT_SECONDS)) is not None:
                found = _STAMPED.match(line)
                if found is not None and found[1] > seen:  # the API's own texts have no time
                    self._show(found[1], found[2], turn)
        finally:
            lines.close()

    def _show(self, stamp: bytes, text: bytes, turn: int) -> None:
        with self._lock:
            if turn != self._turn:
                return
            self._last = stamp
            for shown in self._masker.feed(text.rstrip(b"\r") + b"\n").splitlines():
                name = self._name.encode()
                self._log.aside(b"%b[service:%b] %b%b\n" % (_GREY, name, shown, _RESET))

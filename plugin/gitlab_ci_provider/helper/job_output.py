"""Output of the job's scripts, on its way through the helper into the pod's log.

Both output streams of the scripts go into one FIFO, so what the job wrote first is read first, and
the phases after the script come after all of it. Secrets are already hidden here, so that no node
keeps them in its log. See docs/adr/0021-one-numbered-log.md.
"""

from __future__ import annotations

import fcntl
import os
import select
import time
from contextlib import suppress
from pathlib import Path

from gitlab_ci_provider.model.log_frames import FrameWriter
from gitlab_ci_provider.variables.masking import Masker

_READ_BYTES = 1 << 20
_FEW_BYTES = 1 << 15
_PAUSE = 0.005
"""Seconds between reads of a few bytes: a job that prints line by line fills more in between."""

_LINE_SECONDS = 0.5
"""How long the beginning of a line waits for its end, which may be an answer that nobody gives."""

_TICK_MS = 20_000
"""How often a silent log shows that it is alive, also to load balancers."""

_LAST_SECONDS = 10
"""What outlives process 1 of its container may keep the FIFO open, but not forever."""


class JobOutput:
    """Passes on what is read from the FIFO."""

    def __init__(self, fifo: Path, log: FrameWriter, masker: Masker):
        self._fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._log = log
        self._masker = masker
        self._ended = False
        self._due: float | None = None
        with suppress(OSError):
            fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, _READ_BYTES)

    def pass_on_until(self, events: int) -> None:
        """Pass on output until there is something to read from `events`, too."""
        while not self._pass_on(events, _TICK_MS):
            pass

    def finish(self) -> None:
        """Pass on the rest: all writers have ended."""
        until = time.monotonic() + _LAST_SECONDS
        while not self._ended and (left := until - time.monotonic()) > 0:
            self._pass_on(None, int(left * 1000) + 1)
        self._log.write(self._masker.flush())
        self._log.end_line()
        os.close(self._fd)

    def _pass_on(self, events: int | None, patience: int) -> bool:
        """Wait for output and pass it on; return whether there are events."""
        poll = select.poll()
        if not self._ended:
            poll.register(self._fd, select.POLLIN)
        if events is not None:
            poll.register(events, select.POLLIN)
        due = self._due
        wait = patience if due is None else max(0, int((due - time.monotonic()) * 1000) + 1)
        ready = [fd for fd, _ in poll.poll(min(patience, wait))]
        if self._fd in ready:
            self._read()
        elif not ready and due is None:
            self._log.tick()
        if self._due is not None and time.monotonic() >= self._due:
            self._show_unfinished()
        return events in ready

    def _show_unfinished(self) -> None:
        """Show the beginning of a line that is not finished in time."""
        self._due = None
        self._log.write(self._masker.release())
        self._log.pause()

    def _read(self) -> None:
        data = os.read(self._fd, _READ_BYTES)
        self._ended = not data
        self._log.write(self._masker.feed(data))
        if self._due is None or b"\n" in data:
            self._due = time.monotonic() + _LINE_SECONDS if self._masker.holds else None
        if data and len(data) < _FEW_BYTES:
            time.sleep(_PAUSE)

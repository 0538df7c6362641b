"""What comes out of a process, by whichever way: until when, and what is said at its end.

A container of Podman writes into a FIFO (`fifo.py`). All other output comes through the engine's
service. If that dies, what it held is lost, and a line in the output says so.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gitlab_ci_cluster.runtimes.engine.client import EngineError
from gitlab_ci_cluster.runtimes.engine.fifo import LogFifo
from gitlab_ci_cluster.runtimes.engine.life import Life
from gitlab_ci_cluster.runtimes.engine.streams import EngineStreams
from gitlab_ci_cluster.runtimes.interface import Sink

_NO_MONITOR = (
    b"gitlab-ci-cluster: conmon, which watches this container for Podman, has died. "
    b"The rest of the output and the exit code are lost, so the container is killed.\n"
)


class Output(Protocol):
    """Output of a process, and its input."""

    async def ended(self) -> bool:
        """Wait until no more comes, or the process has ended; whether the engine will tell how."""

    def finish(self) -> None:
        """Deliver the rest, once the engine knows of the process's end."""

    def hold(self, *, held: bool) -> None:
        """See `interface.Process`."""

    def write(self, data: bytes) -> None:
        """See `interface.Process`."""

    def close_stdin(self) -> None:
        """See `interface.Process`."""

    def close(self) -> None:
        """Deliver no more."""


class AttachedOutput:
    """Output through the service."""

    def __init__(self, streams: EngineStreams, life: Life, sink: Sink) -> None:
        self._streams, self._life, self._sink = streams, life, sink

    @property
    def lost_service(self) -> bool:
        """Whether the engine's service has died."""
        return self._life.ended_at is not None

    async def ended(self) -> bool:
        """See `Output`."""
        await self._streams.ended()
        return True

    def finish(self) -> None:
        """See `Output`."""
        self._say_what_is_missing()
        self._sink("stdout", b"")
        self._sink("stderr", b"")

    def hold(self, *, held: bool) -> None:
        """See `Output`."""
        self._streams.hold(held=held)

    def write(self, data: bytes) -> None:
        """See `Output`."""
        self._streams.write(data)

    def close_stdin(self) -> None:
        """See `Output`."""
        self._streams.close_stdin()

    def close(self) -> None:
        """See `Output`."""
        self._streams.close()

    def _say_what_is_missing(self) -> None:
        if said := self._life.last_words():
            self._sink("stderr", said)


@dataclass(frozen=True, slots=True)
class Attachable:
    """A container that can be attached to once more.

    Attributes:
        is_running: asks the engine.
    """

    is_running: Callable[[], Awaitable[bool]]
    attach: Callable[[], Awaitable[tuple[EngineStreams, Life]]]


class ReattachedOutput(AttachedOutput):
    """Output of a container through a service that may be started again."""

    def __init__(
        self, streams: EngineStreams, life: Life, sink: Sink, container: Attachable
    ) -> None:
        super().__init__(streams, life, sink)
        self._container = container

    async def ended(self) -> bool:
        """See `Output`."""
        await self._streams.ended()
        while await self._container.is_running() and self._life.ended_at is not None:
            self._say_what_is_missing()
            with suppress(EngineError):
                self._streams, self._life = await self._container.attach()
                if not await self._container.is_running():
                    self._streams.close()  # nobody would end them
            await self._streams.ended()
        return True


class FifoOutput:
    """Output that the container's monitor writes into a FIFO.

    Args:
        pid: of the container's first process; 0 if it has ended.
        stdin: input goes through the service.
    """

    def __init__(self, fifo: LogFifo, sink: Sink, pid: int, stdin: EngineStreams | None) -> None:
        self._fifo, self._sink, self._stdin = fifo, sink, stdin
        self._exit = _exit_of(pid)

    async def ended(self) -> bool:
        """See `Output`."""
        if self._exit is None:
            return True
        await asyncio.wait(
            [self._exit, self._fifo.writer_left], return_when=asyncio.FIRST_COMPLETED
        )
        if self._exit.done():
            return True
        self._sink("stderr", _NO_MONITOR)
        return False

    def finish(self) -> None:
        """See `Output`."""
        self._fifo.finish()
        self._sink("stdout", b"")
        self._sink("stderr", b"")
        if self._stdin is not None:
            self._stdin.close()

    def hold(self, *, held: bool) -> None:
        """See `Output`."""
        self._fifo.hold(held=held)

    def write(self, data: bytes) -> None:
        """See `Output`."""
        if self._stdin is not None:
            self._stdin.write(data)

    def close_stdin(self) -> None:
        """See `Output`."""
        if self._stdin is not None:
            self._stdin.close_stdin()

    def close(self) -> None:
        """See `Output`."""
        self._fifo.finish()


def _exit_of(pid: int) -> asyncio.Future[None] | None:
    """Watch for the end of a process, which need not be our child; None if it has ended."""
    if not pid:
        return None
    try:
        fd = os.pidfd_open(pid)
    except OSError:  # it has ended, or the kernel is older than 5.3: the engine is asked
        return None
    loop = asyncio.get_running_loop()
    exited: asyncio.Future[None] = loop.create_future()

    def note() -> None:
        loop.remove_reader(fd)
        os.close(fd)
        if not exited.done():
            exited.set_result(None)

    loop.add_reader(fd, note)
    return exited

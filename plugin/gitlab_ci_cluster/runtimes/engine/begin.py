"""The first moment of a container: its output is connected before it writes anything."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any

from gitlab_ci_cluster.runtimes.engine.client import EngineClient, EngineError
from gitlab_ci_cluster.runtimes.engine.fifo import LogFifo
from gitlab_ci_cluster.runtimes.engine.life import Life, Lives
from gitlab_ci_cluster.runtimes.engine.memory import KillCounter, counter_of_process
from gitlab_ci_cluster.runtimes.engine.output import (
    Attachable,
    FifoOutput,
    Output,
    ReattachedOutput,
)
from gitlab_ci_cluster.runtimes.engine.process import EngineContainer
from gitlab_ci_cluster.runtimes.engine.streams import EngineStreams
from gitlab_ci_cluster.runtimes.interface import ContainerConfig, Sink

_INPUT = "stream=1&stdin=1"
_OUTPUT = "stream=1&stdout=1&stderr=1"
_NOT_STARTED = frozenset({"created", "configured", "initialized"})
_LOOK_SECONDS = 0.1
_MOST_TRIES = 50
"""Of an engine that answers with an error of its own."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Starts a container that has been created.

    Attributes:
        id: the engine's.
    """

    client: EngineClient
    lives: Lives
    id: str
    config: ContainerConfig
    sink: Sink

    async def with_fifo(self, path: Path) -> EngineContainer:
        """Start it with its output in a FIFO, which it has been told of.

        Raises:
            EngineError: the engine refuses.
        """
        fifo = LogFifo(path, self.sink)
        try:
            stdin = (await self._attach(_INPUT))[0] if self.config.stdin else None
            await self._start()
            state = await self._state()
        except EngineError:
            fifo.finish()
            raise
        finally:
            fifo.was_opened()
        output = FifoOutput(fifo, self.sink, int(state["Pid"]), stdin)
        return self._begun(output, state)

    async def attached(self) -> EngineContainer:
        """Start it with its output through the service.

        Raises:
            EngineError: the engine refuses.
        """
        query = f"{_OUTPUT}&stdin=1" if self.config.stdin else _OUTPUT
        streams, life = await self._attach(query)
        try:
            await self._start()
        except EngineError:
            streams.close()
            raise
        container = Attachable(self._is_running, lambda: self._attach(query))
        output = ReattachedOutput(streams, life, self.sink, container)
        limited = self.config.memory_limit is not None
        return self._begun(output, await self._state() if limited else {})

    def _begun(self, output: Output, state: dict[str, Any]) -> EngineContainer:
        container = EngineContainer(self.client, self.id, output)
        if self.config.memory_limit is not None:
            container.limited = True
            counter = counter_of_process(state["Pid"])
            container.counter = KillCounter(counter) if counter else None
        return container

    async def _attach(self, query: str) -> tuple[EngineStreams, Life]:
        life = await self.lives.present()
        connection = await self.client.upgrade(f"containers/{self.id}/attach?{query}")
        return EngineStreams(connection, self.sink, raw=self.config.tty), life

    async def _start(self) -> None:
        try:
            await self.client.call("POST", f"containers/{self.id}/start")
        except EngineError as error:
            if error.status:
                raise
            # The service has died, before or after it has started the container.
            if (await self._state())["Status"] in _NOT_STARTED:
                await self.client.call("POST", f"containers/{self.id}/start")

    async def _state(self) -> dict[str, Any]:
        """Ask until the engine answers: its service may have died, and the container goes on.

        An engine that fails is asked again, too: a container that runs has not failed to start.
        """
        for tries in count(1):
            try:
                found = await self.client.call("GET", f"containers/{self.id}/json")
            except EngineError as error:
                fails = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and tries < _MOST_TRIES
                if error.status and not fails:
                    raise
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                state: dict[str, Any] = found["State"]
                return state
        raise RuntimeError("counting has no end")

    async def _is_running(self) -> bool:
        with suppress(EngineError):
            return bool((await self._state())["Running"])
        return False

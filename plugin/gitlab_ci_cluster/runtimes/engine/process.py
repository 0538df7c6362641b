"""Processes that the engine has started: first ones of containers, and those of exec."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gitlab_ci_cluster.runtimes.engine.client import EngineClient, EngineError
from gitlab_ci_cluster.runtimes.engine.memory import KillCounter
from gitlab_ci_cluster.runtimes.engine.output import AttachedOutput, Output

_LOST = 137
"""Exit code where the engine cannot tell it: somebody has removed the container or its monitor."""

_LOOK_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08)
_ENDED = frozenset({"exited", "stopped", "dead", "removing"})


class _EngineProcess:
    """What both kinds have in common: output, and one end."""

    def __init__(self, client: EngineClient, output: Output) -> None:
        self._client = client
        self._output = output
        self._end: asyncio.Future[int] | None = None
        self._calls: set[asyncio.Task[Any]] = set()

    async def wait(self) -> int:
        """See `interface.Process`."""
        if self._end is None:
            self._end = asyncio.ensure_future(self._drain())
        return await asyncio.shield(self._end)

    async def _drain(self) -> int:
        try:
            return await self._end_of()
        finally:
            self._output.finish()

    async def _end_of(self) -> int:
        raise NotImplementedError

    @property
    def has_ended(self) -> bool:
        """Whether its end is known."""
        return self._end is not None and self._end.done()

    def write(self, data: bytes) -> None:
        """See `interface.Process`."""
        self._output.write(data)

    def close_stdin(self) -> None:
        """See `interface.Process`."""
        self._output.close_stdin()

    def hold(self, *, held: bool) -> None:
        """See `interface.Process`."""
        self._output.hold(held=held)

    def _call(self, path: str, **query: str | int) -> None:
        """Send a request of which nothing has to be known: the process may have ended."""

        async def call() -> None:
            with suppress(EngineError):
                await self._client.call("POST", path, query=query)

        task = asyncio.create_task(call())
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)


class EngineContainer(_EngineProcess):
    """The first process of a container.

    Attributes:
        limited: its memory is.
        counter: see `memory.py`.
    """

    def __init__(self, client: EngineClient, identifier: str, output: Output) -> None:
        super().__init__(client, output)
        self.id = identifier
        self.oom_killed = False
        self.limited = False
        self.counter: KillCounter | None = None
        self._killed = False

    def signal(self, number: int) -> None:
        """See `interface.Process`."""
        if not self.has_ended:
            self._killed = self._killed or number == signal.SIGKILL
            self._call(f"containers/{self.id}/kill", signal=number)

    def resize(self, rows: int, columns: int) -> None:
        """See `interface.Process`."""
        self._call(f"containers/{self.id}/resize", h=rows, w=columns)

    async def _end_of(self) -> int:
        if not await self._output.ended():
            with suppress(EngineError):
                query = {"signal": signal.SIGKILL}
                await self._client.call("POST", f"containers/{self.id}/kill", query=query)
            return _LOST
        counted = self.counter is not None and await self.counter.has_killed()
        state = await _look(
            self._client, f"containers/{self.id}/json", lambda found: found["State"], _has_ended
        )
        if state is None:
            return _LOST
        code = int(state["ExitCode"])
        guessed = code == _LOST and self.limited and not self._killed
        self.oom_killed = bool(state.get("OOMKilled")) or counted or guessed
        return code


class EngineExec(_EngineProcess):
    """A further process in a container."""

    def __init__(self, client: EngineClient, identifier: str, output: AttachedOutput) -> None:
        super().__init__(client, output)
        self._id = identifier
        self._attached = output

    def signal(self, number: int) -> None:
        """Send a signal, where the engine's processes are this machine's and ours.

        The API has no call for it; if that is not so, the process ends with its container.
        """
        if not self.has_ended:
            task = asyncio.create_task(self._send(number))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _send(self, number: int) -> None:
        with suppress(EngineError, OSError, KeyError):
            found = await self._client.call("GET", f"exec/{self._id}/json")
            if found["Running"] and found["Pid"]:
                os.kill(found["Pid"], number)
        if number == signal.SIGKILL:
            self._output.close()

    def resize(self, rows: int, columns: int) -> None:
        """See `interface.Process`."""
        self._call(f"exec/{self._id}/resize", h=rows, w=columns)

    async def _end_of(self) -> int:
        await self._output.ended()
        found = await _look(
            self._client,
            f"exec/{self._id}/json",
            lambda found: found,
            self._has_ended,
        )
        if found is None or found["Running"]:
            return _LOST
        code = int(found["ExitCode"])
        # Podman's service, started again, has said 0 of a process that had ended with another code.
        return _LOST if self._attached.lost_service and code == 0 else code

    def _has_ended(self, found: dict[str, Any]) -> bool:
        """Return whether it has ended, known to the engine or not.

        Podman's service, if it was started again, learns of it after five minutes.
        """
        gone = self._attached.lost_service and not Path("/proc", str(found["Pid"])).exists()
        return gone or not found["Running"]


def _has_ended(state: dict[str, Any]) -> bool:
    return state["Status"] in _ENDED


async def _look(
    client: EngineClient,
    path: str,
    pick: Callable[[dict[str, Any]], dict[str, Any]],
    is_done: Callable[[dict[str, Any]], bool],
) -> dict[str, Any] | None:
    """Look until the engine, too, has noticed the end; None if it knows no such thing.

    Its own call for that, `wait`, looks four times a second in Podman.
    """
    pauses = iter(_LOOK_SECONDS)
    while True:
        try:
            state = pick(await client.call("GET", path))
        except EngineError as error:
            if error.status == 404:
                return None
            state = {}
        if state and is_done(state):
            return state
        await asyncio.sleep(next(pauses, _LOOK_SECONDS[-1]))

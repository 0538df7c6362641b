"""Answering what following a pod asks for without blocking: in a triggerer."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from gitlab_ci_provider.hooks.async_kubernetes import PASSING, RefusedError
from gitlab_ci_provider.hooks.pod_hub import WatchedPod
from gitlab_ci_provider.pods.asking import (
    Answer,
    IsSilent,
    LogEnd,
    NextChunk,
    OpenLog,
    Pause,
    Request,
    Steps,
    Until,
)
from gitlab_ci_provider.pods.log_answers import log_query, may_change


class OutOfTimeError(Exception):
    """The job's timeout is over."""


@dataclass(slots=True, kw_only=True)
class TriggerIO:
    """Does what is asked for.

    Attributes:
        deadline: when the job's timeout is over, in seconds since 1970.
    """

    pod: WatchedPod
    deadline: float
    _log: aiohttp.StreamReader | None = field(default=None, init=False)
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)
    _silence: float = field(default=0, init=False)

    async def perform(self, steps: Steps[Answer]) -> Answer:
        """Take the steps.

        Raises:
            OutOfTimeError: the job's timeout is over.
            SystemFailure: the pod was deleted.
            UnreachableError: Kubernetes has not answered for too long.
        """
        answer: Any = None
        try:
            while True:
                answer = await self._answer(steps.send(answer))
        except StopIteration as end:
            result: Answer = end.value
            return result
        finally:
            steps.close()
            await self._hang_up()

    async def _answer(self, request: Request) -> Any:
        left = self._left()
        match request:
            case Until():
                return await self._wait(request, left)
            case OpenLog():
                await self._open(request, left)
            case NextChunk():
                return await self._chunk(left)
            case IsSilent():
                return await self._is_silent(request.container)
            case Pause():
                await asyncio.sleep(min(request.seconds, left))
        return None

    def _left(self) -> float:
        left = self.deadline - datetime.now(UTC).timestamp()
        if left <= 0:
            raise OutOfTimeError
        return left

    async def _wait(self, request: Until, left: float) -> Any:
        found = await self.pod.until(request.condition, min(request.seconds, left))
        if found is None and left < request.seconds:
            raise OutOfTimeError
        return found

    async def _open(self, request: OpenLog, left: float) -> None:
        await self._hang_up()
        self._silence = request.silence
        query = dict(log_query(request.container, since=request.since, follow=True))
        asked = self.pod.hub.cluster.stream(self._path, query, min(request.silence, left))
        try:
            self._log = await self._opened.enter_async_context(asked)
        except PASSING:
            return
        except RefusedError as problem:
            if not may_change(problem.status):
                raise

    async def _chunk(self, left: float) -> bytes | LogEnd:
        if self._log is None:
            return "broken"
        end: LogEnd = "clean"
        chunk = b""
        try:
            async with asyncio.timeout(min(self._silence, left)):
                chunk = await self._log.readany()
        except PASSING:
            end = "broken"
        if not chunk:
            await self._hang_up()
            return end
        return chunk

    async def _is_silent(self, container: str) -> bool:
        try:
            return not await self.pod.hub.cluster.get(self._path, dict(log_query(container)))
        except (*PASSING, RefusedError):
            return False

    @property
    def _path(self) -> str:
        return f"pods/{self.pod.name}/log"

    async def _hang_up(self) -> None:
        self._log = None
        await self._opened.aclose()

"""Whether an engine's service has died since output was attached to: it takes what it had read."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from gitlab_ci_cluster.runtimes.engine.client import EngineClient

_READ_BYTES = 1 << 16
_CUT = (
    "gitlab-ci-cluster: the container engine went away at {at:%H:%M:%S} UTC. "
    "Some of the output after that may be missing.\n"
)


class Life:
    """One life of a service: a connection that the service holds open as long as it lives."""

    def __init__(self, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self._reader, self._writer = connection
        self.ended_at: datetime | None = None
        self._task = asyncio.create_task(self._watch())

    def close(self) -> None:
        """Look no more."""
        self._task.cancel()
        self._writer.close()

    async def _watch(self) -> None:
        with suppress(OSError):
            while await self._reader.read(_READ_BYTES):
                pass
        self.ended_at = datetime.now(UTC)
        self._writer.close()

    def last_words(self) -> bytes:
        """Say what a reader of output has to know; nothing while the service lives."""
        return b"" if self.ended_at is None else _CUT.format(at=self.ended_at).encode()


class Lives:
    """The present life of a service; there is one for all that attach to it."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._present: Life | None = None
        self._opening = asyncio.Lock()

    async def present(self) -> Life:
        """Give the service's present life.

        Raises:
            EngineError: it does not answer.
        """
        async with self._opening:
            if self._present is None or self._present.ended_at is not None:
                self._present = Life(await self._client.connect())
            return self._present

    def close(self) -> None:
        """Look no more."""
        if self._present is not None:
            self._present.close()

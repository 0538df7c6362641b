"""Standard streams of a process over a connection to the engine (attach and exec)."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress

from gitlab_ci_cluster.runtimes.interface import Sink, Stream

_FRAME = struct.Struct(">BxxxL")
_STREAMS: dict[int, Stream] = {0: "stdout", 1: "stdout", 2: "stderr"}
_READ_BYTES = 1 << 16


class EngineStreams:
    """Delivers output until its end, and passes input on.

    Args:
        raw: with a terminal there is one stream without frames.
    """

    def __init__(
        self,
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        sink: Sink,
        *,
        raw: bool,
    ) -> None:
        self._reader, self._writer = connection
        self._sink = sink
        self._free = asyncio.Event()
        self._free.set()
        self._task = asyncio.create_task(self._deliver(raw=raw))

    async def ended(self) -> None:
        """Wait until all output has been delivered."""
        await asyncio.shield(self._task)

    def hold(self, *, held: bool) -> None:
        """Read no more for now, or go on: the process waits once all buffers are full."""
        if held:
            self._free.clear()
        else:
            self._free.set()

    def write(self, data: bytes) -> None:
        """Pass input on; it is lost once nobody reads it."""
        if not self._writer.is_closing():
            self._writer.write(data)

    def close_stdin(self) -> None:
        """End the input."""
        with suppress(OSError, RuntimeError):
            self._writer.write_eof()

    def close(self) -> None:
        """End the connection."""
        self._free.set()
        self._writer.close()

    async def _deliver(self, *, raw: bool) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, OSError):
                await (self._deliver_raw() if raw else self._deliver_frames())
        finally:
            self._writer.close()

    async def _deliver_raw(self) -> None:
        while data := await self._reader.read(_READ_BYTES):
            self._sink("stdout", data)
            await self._free.wait()

    async def _deliver_frames(self) -> None:
        while True:
            kind, left = _FRAME.unpack(await self._reader.readexactly(_FRAME.size))
            while left:
                data = await self._reader.readexactly(min(left, _READ_BYTES))
                self._sink(_STREAMS.get(kind, "stderr"), data)
                left -= len(data)
                await self._free.wait()

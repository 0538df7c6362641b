"""A service of Podman that looks like Docker's, and whose clients can be cut off.

Docker cannot be had here. What matters is alike: containers go on while nobody can be reached, and
can then be attached to again; and versions of the API before 1.44 are refused, as by Docker 29.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engines.podman import Podman
from processes.waiting import PATIENCE, wait_until

_READ_BYTES = 1 << 16
_LIMITS = 'default_ulimits = ["nofile={files}:{files}", "nproc=32768:32768"]'
_DOCKERS = {
    b"Podman Engine": b"Docker Engine",
    b'"MinAPIVersion":"1.24"': b'"MinAPIVersion":"1.44"',
}
_TOO_OLD = re.compile(rb"[A-Z]+ /v1\.([1-3]?[0-9]|4[0-3])/")
_WORDS = b'{"message":"client version is too old. Minimum supported API version is 1.44"}'
_FAILURE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
_REFUSAL = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
    len(_WORDS),
    _WORDS,
)


class CutOff:
    """Passes bytes between clients and a service.

    Attributes:
        socket: what clients connect to.
        sent: by clients, over each connection.
        failing: what requests begin with that fail once, each.
    """

    def __init__(self, engine: Podman, socket: Path) -> None:
        self.socket = socket
        self._service_socket = socket.with_suffix(".real")
        self._environment = {**os.environ, **engine.environment, **_limits(engine, socket.parent)}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.sent: list[bytearray] = []
        self.failing: list[re.Pattern[bytes]] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._service = subprocess.Popen(
            ["podman", "system", "service", "--time=0", f"unix://{self._service_socket}"],
            env=self._environment,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._service_socket.exists, "the service")
        self._thread.start()
        self._call(self._listen)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._call(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._service.terminate()
        self._service.wait(PATIENCE)

    def cut(self) -> None:
        """Cut off all clients, who may come back."""
        self._call(self._close)
        self._call(self._listen)

    def _call(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(step(), self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self.socket))

    async def _close(self) -> None:
        self._server.close()
        for writer in [*self._writers]:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs = await asyncio.open_unix_connection(str(self._service_socket))
        for step in (self._ask(reader, theirs[1], writer), self._answer(theirs[0], writer)):
            task = asyncio.create_task(step)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
    ) -> None:
        sent = bytearray()
        self.sent.append(sent)
        async for data in self._passing(source, target):
            sent += data
            if _TOO_OLD.match(data):
                back.write(_REFUSAL)
                return
            if failing := next((one for one in self.failing if one.match(data)), None):
                self.failing.remove(failing)
                back.write(_FAILURE)
                continue
            target.write(data)

    async def _answer(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        async for data in self._passing(source, target):
            for podmans, dockers in _DOCKERS.items():
                data = data.replace(podmans, dockers)  # noqa: PLW2901 - piece by piece
            target.write(data)

    async def _passing(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter
    ) -> AsyncIterator[bytes]:
        """Give what comes until its end, then close what it goes to."""
        self._writers.add(target)
        try:
            while data := await source.read(_READ_BYTES):
                yield data
                await target.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(target)
            target.close()


def _limits(engine: Podman, folder: Path) -> dict[str, str]:
    """Set the limits of all containers, as the cluster tells only Podman which ones it can have."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = Path(engine.environment["CONTAINERS_CONF"]).read_text()
    path = folder / "containers.conf"
    path.write_text(text.replace("[containers]", f"[containers]\n{_LIMITS.format(files=files)}"))
    return {"CONTAINERS_CONF": str(path)}

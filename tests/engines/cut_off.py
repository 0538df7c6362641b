"""A service of Podman that looks like Docker's, and whose clients can be cut off.

Docker cannot be had here. What matters is alike: containers go on while nobody can be reached, and
can then be attached to again.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engines.podman import Podman
from processes.waiting import PATIENCE, wait_until

_READ_BYTES = 1 << 16
_LIMITS = 'default_ulimits = ["nofile={files}:{files}", "nproc=32768:32768"]'
_NAME, _OTHER_NAME = b"Podman Engine", b"Docker Engine"


class CutOff:
    """Passes bytes between clients and a service.

    Attributes:
        socket: what clients connect to.
    """

    def __init__(self, engine: Podman, socket: Path) -> None:
        self.socket = socket
        self._service_socket = socket.with_suffix(".real")
        self._environment = {**os.environ, **engine.environment, **_limits(engine, socket.parent)}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
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
        for source, target in ((reader, theirs[1]), (theirs[0], writer)):
            task = asyncio.create_task(self._pass(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        self._writers.add(target)
        try:
            while data := await source.read(_READ_BYTES):
                target.write(data.replace(_NAME, _OTHER_NAME))
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

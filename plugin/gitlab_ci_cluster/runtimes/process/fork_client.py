"""The cluster's end of the fork server, for asyncio."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.runtimes.interface import RuntimeConfig
from gitlab_ci_cluster.runtimes.process.spec import Level, ProcessSpec

_MODULE = "gitlab_ci_cluster.runtimes.process.fork_server"
_START_SECONDS = 20


class ForkClient:
    """Sends requests and hands out their answers.

    Args:
        layers: a directory to keep in memory; None keeps it on disk.
    """

    def __init__(self, level: Level, config: RuntimeConfig, layers: Path | None) -> None:
        self._level = level
        self._layers = layers
        self._config = config
        self._exits: dict[int, asyncio.Future[int]] = {}
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._last_id = 0
        self._received = b""
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def open(self) -> None:
        """Start the fork server.

        Raises:
            ClusterError: it did not start, for example because namespaces are forbidden here.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            fds = [theirs.fileno(), self._config.lock]
            arguments = [self._level, *fds, self._layers or "", json.dumps(dict(self._config.warm))]
            arguments += self._config.leftovers
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                # -P: no module of the directory that we happen to be in
                [sys.executable, "-P", "-m", _MODULE, *map(str, arguments)],
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
            )
        self._socket = ours
        asyncio.get_running_loop().add_reader(ours, self._read)
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), _START_SECONDS)
        except (TimeoutError, ClusterError) as error:
            await self.close()
            raise ClusterError(f"no processes at isolation level {self._level!r} here") from error

    def call(self, op: str, **values: object) -> None:
        """Send a request that has no answer."""
        self._send({"op": op, **values}, [])

    def start(
        self, op: str, spec: ProcessSpec, fds: list[int], **values: object
    ) -> tuple[int, asyncio.Future[int]]:
        """Start a process by `start` or `exec`; gives its id and its exit code to come.

        `fds` are standard input, output and error and the status pipe; all may be closed after.
        """
        memory = os.memfd_create("spec", os.MFD_CLOEXEC)
        try:
            os.write(memory, json.dumps(spec).encode())
            return self._call_for_exit({"op": op, **values, "fds": 5}, [memory, *fds])
        finally:
            os.close(memory)

    async def remove(self, path: str) -> bool:
        """Delete a directory and all that is in it; tell whether it is gone."""
        return await self._call_for_exit({"op": "remove", "path": path}, [])[1] == 0

    def signal(self, number: int, process_signal: int) -> None:
        """Send a signal to a process by its id."""
        self.call("signal", id=number, signal=process_signal)

    async def close(self) -> None:
        """Make the fork server kill all it started, and wait for it to end."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)
            self._process = None
        self._fail_pending()

    def _call_for_exit(
        self, message: dict[str, Any], fds: list[int]
    ) -> tuple[int, asyncio.Future[int]]:
        self._last_id += 1
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._exits[self._last_id] = future
        number = self._last_id
        if not self._send({**message, "id": number}, fds):
            self._fail_pending()
        return number, future

    def _send(self, message: dict[str, Any], fds: list[int]) -> bool:
        """Send a request; False when nobody is there to answer."""
        data = json.dumps(message).encode() + b"\n"
        with suppress(ConnectionError):
            if self._socket is not None:
                sent = socket.send_fds(self._socket, [data], fds)
                if sent < len(data):
                    self._socket.sendall(data[sent:])
                return True
        return False

    def _read(self) -> None:
        data = b""
        with suppress(BlockingIOError, ConnectionError):
            if self._socket is not None:
                data = self._socket.recv(65536, socket.MSG_DONTWAIT)
        if not data:
            self._lose()
            return
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._handle(json.loads(line))

    def _handle(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            self._ready.set_result(None)
            return
        future = self._exits.pop(message["id"], None)
        if future is not None and not future.done():
            future.set_result(message["exit"])

    def _lose(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
        self._fail_pending()
        if self._ready.done():
            self._config.on_lost()
        else:
            self._ready.set_exception(ClusterError("the fork server ended"))

    def _fail_pending(self) -> None:
        for future in self._exits.values():
            if not future.done():
                future.set_result(128 + signal.SIGKILL)
        self._exits.clear()

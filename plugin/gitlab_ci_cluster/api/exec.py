"""`pods/exec` over WebSocket, protocols v5 and v4 of Kubernetes' channels.

The first byte of a frame is its channel: 0 standard input, 1 output, 2 error output, 3 how it
ended, 4 the size of the terminal, 255 (v5) closes the channel that the second byte names.
"""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import suppress

from aiohttp import WSMsgType, web

from gitlab_ci_cluster.api import respond
from gitlab_ci_cluster.api.logs import choose_container
from gitlab_ci_cluster.api.request import boolean
from gitlab_ci_cluster.kubelet.kubelet import Kubelet
from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.meta import Obj, new_uid
from gitlab_ci_cluster.runtimes.interface import (
    Container,
    ExecConfig,
    Process,
    Runtime,
    StartError,
    Stream,
)

_V5, _V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
_STDIN, _ERROR, _RESIZE, _CLOSE = 0, 3, 4, 255
_CHANNELS: dict[Stream, int] = {"stdout": 1, "stderr": 2}
_FRAME_BYTES = 32 * 1024
_HOLD_BYTES = 1 << 20
_INPUT_BYTES = 64 << 20


async def exec_in_pod(request: web.Request, pod: Obj, kubelet: Kubelet) -> web.StreamResponse:
    """Run a command in a container and connect it to a WebSocket."""
    name = choose_container(pod, request.query.get("container"))
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise ApiError(400, "Upgrade request required")
    if not any(boolean(request, stream) for stream in ("stdin", "stdout", "stderr")):
        return web.Response(text="you must specify at least 1 of stdin, stdout, stderr", status=400)
    protocol = _choose_protocol(request)
    if protocol is None:
        return web.Response(status=403)
    container = kubelet.container(pod["metadata"]["uid"], name)
    if container is None:
        return web.Response(text=f'container not found ("{name}")', status=500)
    return await _run(request, container, kubelet.runtime, protocol)


def _choose_protocol(request: web.Request) -> str | None:
    """Choose the newest protocol that both sides know; the oldest when the client names none."""
    header = request.headers.get("Sec-WebSocket-Protocol", "")
    offered = [part.strip() for part in header.split(",") if part.strip()]
    if not offered:
        return ""
    return next((protocol for protocol in (_V5, _V4) if protocol in offered), None)


async def _run(
    request: web.Request, container: Container, runtime: Runtime, protocol: str
) -> web.StreamResponse:
    socket = web.WebSocketResponse(
        protocols=(protocol,) if protocol else (), max_msg_size=_INPUT_BYTES, compress=False
    )
    await socket.prepare(request)
    session = _Session(socket, request, protocol)
    with suppress(ConnectionError):
        await socket.send_bytes(bytes([_CHANNELS["stdout"]]))
        await session.run(container, runtime)
        await socket.close(code=1000)
    return socket


class _Session:
    """One command and its client."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, protocol: str) -> None:
        self._socket = socket
        self._protocol = protocol
        self._config = ExecConfig(
            argv=tuple(request.query.getall("command", [])),
            stdin=boolean(request, "stdin"),
            tty=boolean(request, "tty"),
        )
        self._wanted = {stream for stream in _CHANNELS if boolean(request, stream)}
        self._output: asyncio.Queue[tuple[Stream, bytes] | None] = asyncio.Queue()
        self._queued = 0
        self._process: Process | None = None

    async def run(self, container: Container, runtime: Runtime) -> None:
        """Run the command to its end, or to the client's."""
        if not self._config.argv:
            await self._send_status(_start_failure("args must not be empty", self._protocol))
            return
        try:
            self._process = process = await runtime.exec(container, self._config, self._take)
        except StartError as error:
            await self._send_status(_start_failure(str(error), self._protocol))
            return
        sender = asyncio.create_task(self._send_output())
        receiver = asyncio.create_task(self._receive(process))
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({receiver, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():  # the client has gone
                process.signal(signal.SIGKILL)
                self._wanted.clear()
            code = await ended
            self._output.put_nowait(None)
            await sender
            await self._send_status(_end_status(code, self._config.argv, self._protocol))
        finally:
            process.signal(signal.SIGKILL)
            for task in (sender, receiver, ended):
                task.cancel()

    def _take(self, stream: Stream, data: bytes) -> None:
        if stream in self._wanted and data:
            self._output.put_nowait((stream, data))
            self._queued += len(data)
            if self._queued > _HOLD_BYTES and self._process is not None:
                self._process.hold(held=True)

    async def _send_output(self) -> None:
        while (item := await self._output.get()) is not None:
            stream, data = item
            channel = bytes([_CHANNELS[stream]])
            if stream in self._wanted:
                for start in range(0, len(data), _FRAME_BYTES):
                    await self._socket.send_bytes(channel + data[start : start + _FRAME_BYTES])
            self._queued -= len(data)
            if self._queued < _HOLD_BYTES and self._process is not None:
                self._process.hold(held=False)

    async def _receive(self, process: Process) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                self._handle(process, message.data)
            elif message.type is WSMsgType.TEXT:
                self._handle(process, message.data.encode())

    def _handle(self, process: Process, frame: bytes) -> None:
        channel, data = (frame[0], frame[1:]) if frame else (None, b"")
        if channel == _STDIN and self._config.stdin:
            process.write(data)
        elif channel == _CLOSE and data[:1] == bytes([_STDIN]):
            process.close_stdin()
        elif channel == _RESIZE:
            with suppress(ValueError, TypeError, AttributeError, KeyError):
                size = json.loads(data)
                process.resize(int(size["Height"]), int(size["Width"]))

    async def _send_status(self, status: Obj) -> None:
        text = status.get("message", "").encode()
        data = respond.encode(status) if self._protocol else text
        if data:
            await self._socket.send_bytes(bytes([_ERROR]) + data)


def _end_status(code: int, argv: tuple[str, ...], protocol: str) -> Obj:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    command = f"error executing command [{' '.join(argv)}], exit code {code}"
    how = f"command terminated with exit code {code}" if protocol == _V5 else command
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: {how}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _start_failure(error: str, protocol: str) -> Obj:
    identifier = new_uid().replace("-", "") * 2
    reason = error if error.startswith("args") else f"unable to start container process: {error}"
    text = (
        "error executing command in container: failed to exec in container: failed to start exec "
        f'"{identifier}": OCI runtime exec failed: exec failed: {reason}'
    )
    if protocol == _V5:
        text = f"Internal error occurred: {text}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {text}",
        "reason": "InternalError",
        "details": {"causes": [{"message": text}]},
        "code": 500,
    }

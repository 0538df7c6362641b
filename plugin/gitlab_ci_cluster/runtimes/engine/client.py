"""The Docker Engine API over a unix socket, as far as containers of pods need it.

Plain HTTP: of the API's hundreds of calls a pod needs fifteen, half of which the `docker` package
would only wrap, and all of which it would block on. Docker and Podman both serve them.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from gitlab_ci_cluster.exceptions import ClusterError

Query = Mapping[str, str | int]

_API = (1, 40)
"""Docker 19.03 has it, and so has Podman 3; Docker 29 has none before 1.44."""

_HOST = "engine"
_RETRY_SECONDS = (0.02, 0.05, 0.1, 0.2, *(0.5,) * 60)
"""For an engine that is being started again."""


class EngineError(ClusterError):
    """The engine refuses, or does not answer.

    Attributes:
        status: of its answer; 0 is none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class EngineClient:
    """Sends requests to one engine, in the newest version of the API until `settle`."""

    def __init__(self, socket: Path, *, patient: bool = True) -> None:
        self.socket = socket
        self._root = ""
        self._pauses = _RETRY_SECONDS if patient else ()
        self._session = aiohttp.ClientSession(
            f"http://{_HOST}/",
            connector=aiohttp.UnixConnector(str(socket), limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()

    async def settle(self) -> dict[str, Any]:
        """Take the version of the API that suits both sides; gives what the engine says of itself.

        Raises:
            EngineError: the engine does not answer.
        """
        version: dict[str, Any] = await self.call("GET", "version")
        self._root = f"/v{api_version(version)}"
        return version

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
    ) -> Any:
        """Send a request and return its answer, decoded if it is JSON.

        Raises:
            EngineError: the engine refuses or does not answer.
        """
        async with self._send(method, path, query=query, json=body) as response:
            data = await _read(response)
        return json.loads(data) if data.strip().startswith((b"{", b"[")) else data.decode()

    async def upload(self, path: str, data: bytes, query: Query) -> Any:
        """Send a file; return the answer's last line."""
        headers = {"Content-Type": "application/x-tar"}
        async with self._send("POST", path, query=query, data=data, headers=headers) as response:
            answer = await _read(response)
        return json.loads(answer.splitlines()[-1])

    async def lines(
        self, path: str, query: Query, headers: Mapping[str, str]
    ) -> AsyncIterator[dict[str, Any]]:
        """Send a POST and give each JSON object of its answer as it comes.

        Raises:
            EngineError: the engine refuses or does not answer.
        """
        async with self._send("POST", path, query=query, headers=headers) as response:
            if response.status >= 400:
                await _read(response)
            try:
                async for line in response.content:
                    if line.strip():
                        yield json.loads(line)
            except (aiohttp.ClientError, OSError) as error:
                raise EngineError(f"the engine has gone: {error}") from error

    async def upgrade(
        self, path: str, body: object = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a POST that makes the connection a raw stream (attach, exec).

        Raises:
            EngineError: the engine refuses or does not answer.
        """
        data = json.dumps(body).encode() if body is not None else b""
        head = (
            f"POST {self._root}/{path} HTTP/1.1\r\nHost: {_HOST}\r\nConnection: Upgrade\r\n"
            f"Upgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        reader, writer = await self._open()
        try:
            writer.write(head.encode() + data)
            await _check_upgraded(reader)
        except EngineError:
            writer.close()
            raise
        except (OSError, asyncio.IncompleteReadError) as error:
            writer.close()
            raise EngineError(f"the engine has gone: {error}") from error
        return reader, writer

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection that the service keeps open: a request has come, another may.

        Raises:
            EngineError: nobody listens.
        """
        reader, writer = await self._open()
        writer.write(f"GET {self._root}/_ping HTTP/1.1\r\nHost: {_HOST}\r\n\r\n".encode())
        return reader, writer

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for pause in (*self._pauses, None):
            try:
                return await asyncio.open_unix_connection(str(self.socket), limit=1 << 20)
            except OSError as error:
                if pause is None:
                    raise EngineError(f"nobody listens on {self.socket}: {error}") from error
                await asyncio.sleep(pause)
        raise RuntimeError("the last pause is None")

    def _send(self, method: str, path: str, **options: Any) -> _Request:
        query = options.pop("query", None) or {}
        options["params"] = {name: str(value) for name, value in query.items()}
        return _Request(self._session, method, f"{self._root}/{path}", options, self._pauses)


class _Request:
    """One request; it is sent again as long as nobody listens, which cannot do anything twice."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        options: dict[str, Any],
        pauses: tuple[float, ...],
    ) -> None:
        self._session, self._method, self._path = session, method, path
        self._options = options
        self._pauses = pauses
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> aiohttp.ClientResponse:
        for pause in (*self._pauses, None):
            try:
                self._response = await self._session.request(
                    self._method, self._path, **self._options
                )
            except (aiohttp.ClientConnectorError, FileNotFoundError) as error:
                if pause is None:
                    raise EngineError(f"nobody listens: {error}") from error
                await asyncio.sleep(pause)
            except (aiohttp.ClientError, OSError) as error:
                raise EngineError(f"the engine has gone: {error}") from error
            else:
                return self._response
        raise RuntimeError("the last pause is None")

    async def __aexit__(self, *_: object) -> None:
        if self._response is not None:
            self._response.release()


def api_version(version: Mapping[str, Any]) -> str:
    """Choose the version of the API: the one that was tried, or the oldest that an engine has.

    Args:
        version: the engine's answer to `GET /version`.
    """
    oldest = re.fullmatch(r"(\d+)\.(\d+)", str(version.get("MinAPIVersion", "")))
    wanted = max(_API, (int(oldest[1]), int(oldest[2]))) if oldest else _API
    return ".".join(map(str, wanted))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    try:
        data = await response.read()
    except (aiohttp.ClientError, OSError) as error:
        raise EngineError(f"the engine has gone: {error}") from error
    if response.status >= 400:
        raise EngineError(words_of(data), response.status)
    return data


async def _check_upgraded(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
    status = int(head.split()[1])
    if status not in {101, 200}:
        raise EngineError(await _refusal(reader, head), status)


async def _refusal(reader: asyncio.StreamReader, head: str) -> str:
    lengths = [
        int(line.partition(":")[2])
        for line in head.lower().splitlines()
        if line.startswith("content-length:")
    ]
    return words_of(await reader.readexactly(lengths[0]) if lengths else await reader.read(65536))


def words_of(data: bytes) -> str:
    """Read the message of an answer that is an error."""
    try:
        decoded = json.loads(data)
        return str(decoded["message"])
    except (ValueError, KeyError, TypeError):
        return data.decode(errors="replace").strip()

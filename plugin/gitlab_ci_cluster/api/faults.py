"""Misbehaving on demand, for tests: refuses, delays, cuts and fails what the faults file names.

Without a faults file, given when the cluster starts, nothing here is part of the server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote

import msgspec
from aiohttp import web

from gitlab_ci_cluster.api import respond
from gitlab_ci_cluster.api.request import Target, boolean, parse_path
from gitlab_ci_cluster.api.respond import STREAM
from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.objects.resources import PODS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Listen = Callable[[], Awaitable[None]]

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.05
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}
_STREAMS = {"log", "watch"}


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to misbehave, and which requests it applies to.

    Attributes:
        verb: Kubernetes' (`get`, `list`, `watch`, `create`, ...), or `log`, `exec`; any if empty.
        path: pattern of the path with its query, percent signs decoded.
        pod: pattern of the pod's name, in the path or in a `metadata.name` selector.
        skip: how many requests are served normally first.
        count: how many requests it applies to; 0 means all.
        seconds: how long, counted from when the file was read; 0 means forever.
        outage: nothing listens: new connections are refused, open ones are cut.
        delay: seconds before the request is handled.
        status: answer with this code; `retry_after` seconds go with it.
        body: answer with this text, with status 200 unless `status` is set.
        expire: a watch sends the event of an expired version, and ends.
        after_bytes, after_lines: cut the answer there; what the request asks for is done. 0 loses
            the whole answer.
        clean: end the cut answer as if it were whole.
    """

    verb: str = ""
    path: str = "*"
    pod: str = "*"
    skip: int = 0
    count: int = 0
    seconds: float = 0
    outage: bool = False
    delay: float = 0
    status: int = 0
    retry_after: int = 0
    body: str | None = None
    expire: bool = False
    after_bytes: int | None = None
    after_lines: int | None = None
    clean: bool = False

    def meets(self, request: web.Request) -> bool:
        """Return whether this fault applies to a request."""
        path, verb = unquote(request.path_qs), verb_of(request)
        return (
            self.verb in {"", verb}
            and fnmatchcase(path, self.path)
            and fnmatchcase(_pod_of(request), self.pod)
        )


_DEFAULTS = msgspec.to_builtins(Fault())


class Faults:
    """The faults that a file lists; writing the file again restarts them.

    Args:
        file: a JSON list; None means no faults.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, ...] | None = None
        self._since = 0.0
        self._list: list[Fault] = []
        self._met: list[int] = []

    def find(self, request: web.Request) -> Fault | None:
        """Return the first fault that applies to a request, and count it."""
        self._read()
        for number, fault in enumerate(self._list):
            if fault.outage or not self._is_on(fault) or not fault.meets(request):
                continue
            self._met[number] += 1
            if self._met[number] <= fault.skip:
                continue
            if not fault.count or self._met[number] <= fault.skip + fault.count:
                return fault
        return None

    def outage(self) -> bool:
        """Return whether nothing may listen now."""
        self._read()
        return any(fault.outage and self._is_on(fault) for fault in self._list)

    def _is_on(self, fault: Fault) -> bool:
        return not fault.seconds or _now() < self._since + fault.seconds

    def _read(self) -> None:
        try:
            found = self._file.stat()
            seen: tuple[int, ...] = (found.st_mtime_ns, found.st_ino, found.st_size)
            if seen == self._seen:
                return
            faults = msgspec.json.decode(self._file.read_bytes(), type=list[Fault])
        except FileNotFoundError:
            seen, faults = (), []
        except msgspec.MsgspecError as error:
            _log.error("%s: %s", self._file, error)
            faults = []
        self._seen, self._list, self._met, self._since = seen, faults, [0] * len(faults), _now()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve a request, or do what the fault that applies to it says."""
        fault = self.find(request)
        if fault is None:
            return await handler(request)
        _log.info("fault: %s %s: %s", verb_of(request), request.path_qs, _shown(fault))
        await asyncio.sleep(fault.delay)
        if fault.body is not None:
            return web.Response(text=fault.body, status=fault.status or 200)
        if fault.status:
            return _refusal(fault)
        if fault.expire:
            return _expired()
        return await _served_in_part(request, handler, fault)

    def begin_watching(self, runner: web.AppRunner, listen: Listen) -> None:
        """Stop listening whenever the file says so; `listen` starts again."""
        self._task = asyncio.create_task(self._keep_outages(runner, listen))

    async def _keep_outages(self, runner: web.AppRunner, listen: Listen) -> None:
        while True:
            await self._until(outage=True)
            _log.info("fault: outage")
            for site in list(runner.sites):
                await site.stop()
            for connection in runner.server.connections if runner.server else []:
                if connection.transport is not None:
                    connection.transport.abort()
            await self._until(outage=False)
            await listen()
            _log.info("fault: the outage is over")

    async def _until(self, *, outage: bool) -> None:
        while self.outage() != outage:  # noqa: ASYNC110 - what changes is a file
            await asyncio.sleep(_LOOK_SECONDS)


class _CutStream(web.StreamResponse):
    """An answer that ends too early."""

    def __init__(self, request: web.Request, fault: Fault, headers: dict[str, str]) -> None:
        super().__init__(headers=headers)
        self._asked = request
        self._fault = fault
        self._bytes = fault.after_bytes
        self._lines = fault.after_lines

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write what is still allowed, then cut."""
        piece = bytes(data)
        kept = self._kept(piece)
        if kept:
            await super().write(kept)
        if kept == piece and not self._is_used_up():
            return
        if self._fault.clean:
            await self.write_eof()
        _hang_up(self._asked)
        raise ConnectionResetError

    def _kept(self, piece: bytes) -> bytes:
        if self._bytes is not None:
            piece = piece[: self._bytes]
            self._bytes -= len(piece)
        if self._lines is not None:
            piece = b"".join(piece.splitlines(keepends=True)[: self._lines])
            self._lines -= piece.count(b"\n")
        return piece

    def _is_used_up(self) -> bool:
        return self._bytes == 0 or self._lines == 0


async def _served_in_part(
    request: web.Request, handler: Handler, fault: Fault
) -> web.StreamResponse:
    """Do what the request asks, and cut the answer."""
    if fault.after_bytes is None and fault.after_lines is None:
        return await handler(request)
    if verb_of(request) in _STREAMS and (fault.after_bytes or fault.after_lines):
        token = STREAM.set(lambda headers: _CutStream(request, fault, headers))
        try:
            return await handler(request)
        finally:
            STREAM.reset(token)
    if verb_of(request) not in _STREAMS:
        await handler(request)
    _hang_up(request)
    return web.Response()  # which nobody gets


def verb_of(request: web.Request) -> str:
    """Return the Kubernetes verb of a request, or what it streams."""
    target = _target_of(request)
    if target is not None and target.subresource in {"log", "exec"}:
        return target.subresource
    if boolean(request, "watch"):
        return "watch"
    is_item = target is not None and target.name is not None
    if request.method == "DELETE":
        return "delete" if is_item else "deletecollection"
    return _VERBS.get(request.method) or ("get" if is_item else "list")


def _pod_of(request: web.Request) -> str:
    target = _target_of(request)
    if target is not None and target.resource is PODS and target.name is not None:
        return target.name
    selected = request.query.get("fieldSelector", "").partition("name=")[2]
    return selected.partition(",")[0]


def _target_of(request: web.Request) -> Target | None:
    try:
        return parse_path(request.path.removeprefix("/api/v1/"))
    except ApiError:
        return None


def _refusal(fault: Fault) -> web.Response:
    headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after else {}
    problem = ApiError(fault.status, "this fault was asked for")
    return respond.answer(problem.status, status=fault.status, headers=headers)


def _expired() -> web.Response:
    event: Obj = {"type": "ERROR", "object": errors.expired(1, 2).status}
    return web.Response(body=respond.encode(event) + b"\n", content_type="application/json")


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()


def _shown(fault: Fault) -> str:
    return msgspec.json.encode(
        {k: v for k, v in msgspec.to_builtins(fault).items() if v != _DEFAULTS[k]}
    ).decode()


def _now() -> float:
    return asyncio.get_running_loop().time()

"""Startup, readiness and liveness probes, and the handlers of lifecycle hooks."""

from __future__ import annotations

import asyncio
import signal
from typing import Protocol
from urllib.parse import quote

from gitlab_ci_cluster.kubelet.context import KubeletContext
from gitlab_ci_cluster.kubelet.records import ContainerRecord
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.runtimes.interface import (
    Container,
    ExecConfig,
    StartError,
    Stream,
)

_OUTPUT_BYTES = 10 * 1024

_TRIES = 3
"""A probe's command that does not start, or whose end nobody saw, is started again, as by a real
kubelet: that says nothing of the container. Hooks are not, for they may have done something."""


class Probed(Protocol):
    """A container that is probed."""

    spec: Obj
    record: ContainerRecord
    container: Container | None

    context: KubeletContext
    was_started: asyncio.Event

    def warn(self, reason: str, message: str) -> None:
        """Tell of a problem with the container."""

    def set(self, **changes: object) -> None:
        """Change the record."""

    async def fail_probe(self, name: str) -> None:
        """End the container because of a probe."""


class Probes:
    """The probes of one container."""

    def __init__(self, worker: Probed) -> None:
        self._worker = worker

    async def run(self) -> None:
        """Probe as the container's spec says until cancelled."""
        spec = self._worker.spec
        if "startupProbe" in spec:
            if not await self._until_success(spec["startupProbe"]):
                return
            self._worker.set(started=True)
            self._worker.set(ready="readinessProbe" not in spec)
            self._worker.was_started.set()
        await asyncio.gather(
            self._watch_readiness(spec.get("readinessProbe")),
            self._watch_liveness(spec.get("livenessProbe")),
        )

    async def _until_success(self, probe: Obj) -> bool:
        """Probe until it succeeds often enough; False once it has failed too often."""
        successes = failures = 0
        await asyncio.sleep(probe.get("initialDelaySeconds", 0))
        while True:
            problem = await self._once("Startup", probe)
            successes, failures = _count(successes, failures, problem)
            if successes >= probe["successThreshold"]:
                return True
            if failures >= probe["failureThreshold"]:
                await self._worker.fail_probe("startup")
                return False
            await asyncio.sleep(probe["periodSeconds"])

    async def _watch_readiness(self, probe: Obj | None) -> None:
        if probe is None:
            return
        successes = failures = 0
        await asyncio.sleep(probe.get("initialDelaySeconds", 0))
        while True:
            problem = await self._once("Readiness", probe)
            successes, failures = _count(successes, failures, problem)
            ready = self._worker.record.ready
            if not ready and successes >= probe["successThreshold"]:
                self._worker.set(ready=True)
            elif ready and failures >= probe["failureThreshold"]:
                self._worker.set(ready=False)
            await asyncio.sleep(probe["periodSeconds"])

    async def _watch_liveness(self, probe: Obj | None) -> None:
        if probe is None:
            return
        failures = 0
        await asyncio.sleep(probe.get("initialDelaySeconds", 0))
        while True:
            problem = await self._once("Liveness", probe)
            _, failures = _count(0, failures, problem)
            if failures >= probe["failureThreshold"]:
                await self._worker.fail_probe("liveness")
                return
            await asyncio.sleep(probe["periodSeconds"])

    async def _once(self, name: str, probe: Obj) -> str | None:
        problem = await run_handler(self._worker, probe, probe["timeoutSeconds"], tries=_TRIES)
        if problem is not None and self._worker.container is not None:
            self._worker.warn("Unhealthy", f"{name} probe failed: {problem}")
        return problem


def _count(successes: int, failures: int, problem: str | None) -> tuple[int, int]:
    return (successes + 1, 0) if problem is None else (0, failures + 1)


async def run_handler(
    worker: Probed,
    handler: Obj,
    timeout: float | None,  # noqa: ASYNC109 - of the probe
    *,
    tries: int = 1,
) -> str | None:
    """Run the action of a probe or hook for at most `timeout` seconds; gives what went wrong."""
    try:
        async with asyncio.timeout(timeout):
            if "exec" in handler:
                return await _exec(worker, handler["exec"].get("command", []), tries)
            if "httpGet" in handler:
                return await _http_get(worker, handler["httpGet"])
            if "tcpSocket" in handler:
                return await _tcp(worker, handler["tcpSocket"])
            if "sleep" in handler:
                await asyncio.sleep(handler["sleep"]["seconds"])
                return None
    except TimeoutError:
        return f"command timed out after {timeout}s"
    return "the embedded cluster has no handler of this type"


async def _exec(worker: Probed, command: list[str], tries: int) -> str | None:
    problem = ""
    for _ in range(tries):
        if worker.container is None:
            return "the container is not running"
        try:
            code, output = await _run(worker, worker.container, command)
        except StartError as error:
            problem = str(error)
            continue
        if code >= 0:
            return None if code == 0 else output
        problem = "the exit code of its command is unknown"
    return problem


async def _run(worker: Probed, container: Container, command: list[str]) -> tuple[int, str]:
    output = bytearray()

    def take(_: Stream, data: bytes) -> None:
        output.extend(data[: _OUTPUT_BYTES - len(output)])

    config = ExecConfig(argv=tuple(command))
    process = await worker.context.runtime.exec(container, config, take)
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        process.signal(signal.SIGKILL)
        raise
    return code, output.decode(errors="replace")


async def _tcp(worker: Probed, action: Obj) -> str | None:
    host = action.get("host") or worker.context.ip
    try:
        _, writer = await asyncio.open_connection(host, _port(worker, action["port"]))
    except OSError as error:
        return f"dial tcp {host}:{action['port']}: {error.strerror or error}"
    writer.close()
    return None


async def _http_get(worker: Probed, action: Obj) -> str | None:
    import aiohttp

    scheme = action.get("scheme", "HTTP").lower()
    host = action.get("host") or worker.context.ip
    path = quote(action.get("path", "/"), safe="/?=&%:@!$'()*+,;")
    url = f"{scheme}://{host}:{_port(worker, action['port'])}/{path.lstrip('/')}"
    headers = {header["name"]: header["value"] for header in action.get("httpHeaders", [])}
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, headers=headers, ssl=False) as response,
        ):
            bad = response.status >= 400 or response.status < 200
            return f"HTTP probe failed with statuscode: {response.status}" if bad else None
    except aiohttp.ClientError as error:
        return f'Get "{url}": {error}'


def _port(worker: Probed, port: int | str) -> int:
    for candidate in worker.spec.get("ports", []):
        if candidate.get("name") == port:
            return int(candidate["containerPort"])
    return int(port)

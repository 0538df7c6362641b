"""The `docker` and `podman` runtimes: containers of an engine, in the images that jobs name."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.files import remove_tree
from gitlab_ci_cluster.runtimes.engine import watchdog
from gitlab_ci_cluster.runtimes.engine.begin import Beginning
from gitlab_ci_cluster.runtimes.engine.client import EngineClient, EngineError
from gitlab_ci_cluster.runtimes.engine.create import NO_LOG, Owner, create_body
from gitlab_ci_cluster.runtimes.engine.discovery import Candidate, EngineName
from gitlab_ci_cluster.runtimes.engine.empty import host_programs, make_empty_image
from gitlab_ci_cluster.runtimes.engine.fifo import log_config
from gitlab_ci_cluster.runtimes.engine.guard import Guard
from gitlab_ci_cluster.runtimes.engine.life import Lives
from gitlab_ci_cluster.runtimes.engine.output import AttachedOutput
from gitlab_ci_cluster.runtimes.engine.process import EngineContainer, EngineExec
from gitlab_ci_cluster.runtimes.engine.pulls import find_image, pull_image
from gitlab_ci_cluster.runtimes.engine.streams import EngineStreams
from gitlab_ci_cluster.runtimes.engine.words import start_problem
from gitlab_ci_cluster.runtimes.interface import (
    Container,
    ContainerConfig,
    ExecConfig,
    Image,
    Login,
    Mount,
    PodConfig,
    Process,
    RuntimeConfig,
    Sink,
    StartError,
)

_MOST_FILES, _MOST_PROCESSES = 1 << 20, 1 << 15
"""What Podman gives each container unless it is told otherwise."""

_LOOK_SECONDS = 0.02

_log = logging.getLogger(__name__)


class EngineRuntime:
    """See `interface.Runtime`."""

    honours_images = True
    isolates = True
    mounts = True

    def __init__(self, candidate: Candidate, config: RuntimeConfig) -> None:
        self.name: EngineName = "docker"
        self.description = f"containers of the engine at {candidate.where}; the host's network"
        self._cluster = config.memory.name
        self._config = config
        self._owner = Owner(cluster=self._cluster)
        self._client = EngineClient(candidate.socket)
        self._lives = Lives(self._client)
        self._guard = Guard(config, candidate.socket, self._cluster, candidate.command)
        self._running: dict[str, set[EngineContainer]] = {}
        self._removals: set[asyncio.Task[None]] = set()

    @property
    def _has_fifos(self) -> bool:
        """Whether containers have a monitor of their own, which Docker's do not."""
        return self.name == "podman"

    def changes_users(self, image: str) -> bool:  # noqa: ARG002 - of any image
        """See `interface.Runtime`."""
        return True

    async def open(self) -> None:
        """See `interface.Runtime`."""
        if self._guard.command:
            await self._guard.open()
            await self._wait_for_service()
        else:
            await asyncio.to_thread(watchdog.ping, str(self._client.socket))
            await self._guard.open()
        version = await self._client.settle()
        names = [part.get("Name", "") for part in version.get("Components") or []]
        self.name = "podman" if "Podman Engine" in names else "docker"
        self._owner = Owner(cluster=self._cluster, limits=_limits(self.name))
        try:
            await asyncio.to_thread(watchdog.sweep, str(self._client.socket), self._cluster)
        except OSError as error:
            raise ClusterError(f"cannot remove what an earlier run left: {error}") from error

    async def trial(self) -> tuple[str, tuple[Mount, ...]]:
        """Make the image that a trial runs in; gives its name and what has to be mounted in it.

        Raises:
            EngineError: the engine refuses.
        """
        return await make_empty_image(self._client, self._cluster), host_programs()

    async def find_image(self, name: str) -> Image | None:
        """See `interface.Runtime`."""
        return await find_image(self._client, name)

    async def pull(self, name: str, logins: Sequence[Login], say: Callable[[str], None]) -> Image:
        """See `interface.Runtime`."""
        return await pull_image(self._client, name, logins, say)

    async def add_pod(self, pod: PodConfig) -> None:
        """See `interface.Runtime`."""
        pod.directory.mkdir(parents=True, exist_ok=True)

    async def start(self, pod: PodConfig, config: ContainerConfig, sink: Sink) -> Container:
        """See `interface.Runtime`."""
        image = await self.find_image(config.image)
        if image is None:
            raise StartError(f"image {config.image} has gone from this machine")
        place = self._config.memory / f"{config.id}.log"
        log = log_config(place) if self._has_fifos else NO_LOG
        body = create_body(pod, config, self._owner, image=image, log=log)
        name = f"gitlab-ci_{pod.namespace}_{pod.name}_{config.id[:12]}"
        try:
            created = await self._client.call(
                "POST", "containers/create", query={"name": name}, body=body
            )
        except EngineError as error:
            raise StartError(start_problem(str(error))) from error
        try:
            begin = Beginning(self._client, self._lives, created["Id"], config, sink)
            container = await (begin.with_fifo(place) if self._has_fifos else begin.attached())
        except EngineError as error:
            await self._remove(created["Id"])
            raise StartError(start_problem(str(error))) from error
        self._running.setdefault(pod.uid, set()).add(container)
        return container

    async def exec(self, container: Container, config: ExecConfig, sink: Sink) -> Process:
        """See `interface.Runtime`."""
        if not isinstance(container, EngineContainer):
            raise TypeError("a container of another runtime")
        wanted = {
            "Cmd": list(config.argv),
            "AttachStdin": config.stdin,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": config.tty,
        }
        try:
            created = await self._client.call(
                "POST", f"containers/{container.id}/exec", body=wanted
            )
            life = await self._lives.present()
            connection = await self._client.upgrade(
                f"exec/{created['Id']}/start", {"Detach": False, "Tty": config.tty}
            )
        except EngineError as error:
            raise StartError(start_problem(str(error))) from error
        streams = EngineStreams(connection, sink, raw=config.tty)
        return EngineExec(self._client, created["Id"], AttachedOutput(streams, life, sink))

    async def remove_pod(self, pod: PodConfig) -> None:
        """See `interface.Runtime`."""
        for container in self._running.pop(pod.uid, ()):
            container.signal(signal.SIGKILL)
            await self._remove(container.id)
        if not await asyncio.to_thread(remove_tree, pod.directory):
            _log.warning("%s cannot be deleted", pod.directory)

    async def close(self) -> None:
        """See `interface.Runtime`."""
        self._lives.close()
        await self._client.close()
        await self._guard.close()

    async def _wait_for_service(self) -> None:
        """Wait until the service that we have started answers, or has died."""
        while not self._client.socket.exists():
            if watchdog.died_of(self._client.socket).exists():
                raise ClusterError(f"the service has ended{self._last_words()}")
            await asyncio.sleep(_LOOK_SECONDS)

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = watchdog.log_of(self._client.socket).read_text(errors="replace").splitlines()
            return f": {lines[-1]}" if lines else ""
        return ""

    async def abandon(self) -> None:
        """Close, and leave the cluster's files alone: another runtime takes its place."""
        self._lives.close()
        await self._client.close()
        await self._guard.close(keep_files=True)
        for path in (self._client.socket, watchdog.died_of(self._client.socket)):
            if self._guard.command:
                path.unlink(missing_ok=True)

    async def _remove(self, identifier: str) -> None:
        with suppress(EngineError):
            query = {"force": 1, "v": 1, "timeout": 0}
            await self._client.call("DELETE", f"containers/{identifier}", query=query)


def _limits(engine: EngineName) -> dict[str, int]:
    """Find the limits that root cannot raise where it lacks the right to, as in a container."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    _, processes = resource.getrlimit(resource.RLIMIT_NPROC)
    if engine != "podman" or os.geteuid() != 0 or files >= _MOST_FILES:
        return {}
    if processes == resource.RLIM_INFINITY:
        processes = _MOST_PROCESSES
    return {"nofile": files, "nproc": min(processes, _MOST_PROCESSES)}

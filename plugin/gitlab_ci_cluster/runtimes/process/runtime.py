"""The `process` runtime: containers are processes over the host's own root."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from gitlab_ci_cluster.files import remove_tree
from gitlab_ci_cluster.runtimes.interface import (
    Container,
    ContainerConfig,
    ExecConfig,
    Image,
    Login,
    PodConfig,
    Process,
    RuntimeConfig,
    Sink,
    StartError,
)
from gitlab_ci_cluster.runtimes.process import streams
from gitlab_ci_cluster.runtimes.process.cgroups import Cgroup, Cgroups
from gitlab_ci_cluster.runtimes.process.config import process_spec
from gitlab_ci_cluster.runtimes.process.fork_client import ForkClient
from gitlab_ci_cluster.runtimes.process.spec import LAYERS, POINT, Level, ProcessSpec

_DESCRIPTIONS: Mapping[Level, str] = {
    "root": "namespaces and a private overlay of the host's root; the host's network",
    "user": "a user namespace and private overlays of the host's directories; the host's network",
    "plain": "NO isolation: plain processes that write to this machine and read all that its user "
    "may read, the keys and passwords of this stack among it; volumes cannot be mounted",
}


_IN_MEMORY = "; what containers write to their roots is kept in memory"


class ProcessHandle:
    """A started process."""

    def __init__(self, client: ForkClient, number: int, exited: asyncio.Future[int]) -> None:
        self.number = number
        self._client = client
        self._exited = exited
        self._readers: list[streams.Reader] = []
        self._writer: streams.Writer | None = None
        self._terminal: int | None = None
        self._end: asyncio.Future[int] | None = None

    def connect(
        self,
        readers: list[streams.Reader],
        writer: streams.Writer | None,
        terminal: int | None,
    ) -> None:
        """Take over our ends of the standard streams."""
        self._readers, self._writer, self._terminal = readers, writer, terminal

    async def wait(self) -> int:
        """See `base.Process`."""
        if self._end is None:
            self._end = asyncio.ensure_future(self._drain())
        return await asyncio.shield(self._end)

    async def _drain(self) -> int:
        code = await asyncio.shield(self._exited)
        if self._readers:
            await asyncio.wait([reader.ended for reader in self._readers])
        self.close_stdin()
        return code

    def signal(self, number: int) -> None:
        """See `base.Process`."""
        if not self._exited.done():
            self._client.signal(self.number, number)

    def write(self, data: bytes) -> None:
        """See `base.Process`."""
        if self._writer is not None:
            self._writer.write(data)

    def close_stdin(self) -> None:
        """See `base.Process`."""
        if self._writer is not None:
            self._writer.close()

    def hold(self, *, held: bool) -> None:
        """See `base.Process`."""
        for reader in self._readers:
            reader.hold(held=held)

    def resize(self, rows: int, columns: int) -> None:
        """See `base.Process`."""
        if self._terminal is not None and not self._exited.done():
            streams.resize(self._terminal, rows, columns)


class ContainerHandle(ProcessHandle):
    """The first process of a container, with what further ones need to know."""

    def __init__(
        self,
        client: ForkClient,
        started: tuple[int, asyncio.Future[int]],
        spec: ProcessSpec,
        cgroup: Cgroup,
    ) -> None:
        super().__init__(client, *started)
        self.spec = spec
        self._cgroup = cgroup
        self.oom_killed = False

    async def _drain(self) -> int:
        code = await super()._drain()
        self.oom_killed = self._cgroup.close()
        return code


class ProcessRuntime:
    """See `base.Runtime`.

    Args:
        in_memory: keep what containers write to their roots in memory: for machines whose own
            root is an overlay, on which none can be laid.
    """

    honours_images = False

    def __init__(self, level: Level, config: RuntimeConfig, *, in_memory: bool = False) -> None:
        self.name = "process"
        self.description = _DESCRIPTIONS[level] + (_IN_MEMORY if in_memory else "")
        self.mounts = self.isolates = level != "plain"
        self._level = level
        self._config = config
        self._root = config.directory.resolve() / "root"
        self._in_memory = in_memory
        self._cgroups = Cgroups(config.directory)
        self._running: dict[str, set[ContainerHandle]] = {}
        self._client: ForkClient | None = None

    @property
    def _fork_server(self) -> ForkClient:
        if self._client is None:
            raise StartError("the runtime is closed")
        return self._client

    async def open(self) -> None:
        """See `base.Runtime`."""
        for name in (LAYERS, POINT):
            (self._root / name).mkdir(parents=True, exist_ok=True)
        layers = self._root / LAYERS if self._in_memory else None
        leftovers = (*self._config.leftovers, *self._cgroups.paths)
        config = replace(self._config, leftovers=leftovers)
        self._client = ForkClient(self._level, config, layers)
        await self._client.open()

    def changes_users(self, image: str) -> bool:  # noqa: ARG002 - of any image
        """See `base.Runtime`."""
        return self._level == "root"

    async def find_image(self, name: str) -> Image | None:
        """See `base.Runtime`; each is there, and none is honoured."""
        return Image(id=name)

    async def pull(
        self,
        name: str,
        logins: Sequence[Login],  # noqa: ARG002 - nobody to log in to
        say: Callable[[str], None],  # noqa: ARG002
    ) -> Image:
        """See `base.Runtime`."""
        return Image(id=name)

    async def add_pod(self, pod: PodConfig) -> None:
        """See `base.Runtime`."""
        pod.directory.mkdir(parents=True, exist_ok=True)
        self._fork_server.call("pod", pod=pod.uid, hostname=pod.hostname)

    async def start(self, pod: PodConfig, config: ContainerConfig, sink: Sink) -> Container:
        """See `base.Runtime`."""
        cgroup = self._cgroups.create(config.id, config.memory_limit)
        spec = process_spec(pod, config, self._config, self._level)
        spec["cgroups"] = cgroup.join_files
        fds = _Streams(stdin=config.stdin, tty=config.tty)
        started = self._fork_server.start("start", spec, fds.theirs)
        handle = ContainerHandle(self._fork_server, started, spec, cgroup)
        self._running.setdefault(pod.uid, set()).add(handle)
        await fds.connect(handle, sink)
        return handle

    async def exec(self, container: Container, config: ExecConfig, sink: Sink) -> Process:
        """See `base.Runtime`."""
        if not isinstance(container, ContainerHandle):
            raise TypeError("a container of another runtime")
        spec: ProcessSpec = {**container.spec, "argv": list(config.argv), "tty": config.tty}
        fds = _Streams(stdin=config.stdin, tty=config.tty)
        started = self._fork_server.start("exec", spec, fds.theirs, target=container.number)
        handle = ProcessHandle(self._fork_server, *started)
        await fds.connect(handle, sink)
        return handle

    async def remove_pod(self, pod: PodConfig) -> None:
        """See `base.Runtime`."""
        for handle in self._running.pop(pod.uid, ()):
            handle.signal(signal.SIGKILL)
            await handle.wait()
        self._fork_server.call("drop", pod=pod.uid)
        await self._fork_server.remove(str(self._root / LAYERS / pod.uid))
        await self._fork_server.remove(str(pod.directory))

    async def close(self) -> None:
        """See `base.Runtime`."""
        if self._client is not None:
            await self._client.close()
        self._cgroups.close()
        remove_tree(self._root)


class _Streams:
    """The standard streams of a process to be: its ends and ours."""

    def __init__(self, *, stdin: bool, tty: bool) -> None:
        self._failure, status = os.pipe2(os.O_CLOEXEC)
        self._input: int | None = None
        self._terminal: socket.socket | None = None
        if tty:
            self._terminal, theirs = socket.socketpair()
            null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            self.theirs = [theirs.detach(), null, os.dup(null), status]
            return
        self._output, out = streams.open_pipe()
        self._error, err = streams.open_pipe()
        if stdin:
            read, self._input = os.pipe2(os.O_CLOEXEC)
        else:
            read = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self.theirs = [read, out, err, status]

    async def connect(self, handle: ProcessHandle, sink: Sink) -> None:
        """Give up the process's ends, read from ours, and wait until the program runs.

        Raises:
            StartError: it does not.
        """
        for fd in self.theirs:
            os.close(fd)
        if self._terminal is None:
            self._connect_pipes(handle, sink)
        failure = await streams.read_all(self._failure)
        if self._terminal is not None:
            self._connect_terminal(self._terminal, handle, sink)
        if failure:
            await handle.wait()
            raise StartError(failure.decode(errors="replace"))

    def _connect_pipes(self, handle: ProcessHandle, sink: Sink) -> None:
        readers = [
            streams.Reader(self._output, "stdout", sink),
            streams.Reader(self._error, "stderr", sink),
        ]
        writer = streams.Writer(self._input) if self._input is not None else None
        handle.connect(readers, writer, None)

    def _connect_terminal(
        self, connection: socket.socket, handle: ProcessHandle, sink: Sink
    ) -> None:
        """Take over our end of the terminal, which the process has opened and sent."""
        with connection:
            connection.setblocking(False)
            with suppress(BlockingIOError):
                _, fds, _, _ = socket.recv_fds(connection, 1, 1)
                for fd in fds:
                    os.set_inheritable(fd, False)
                    readers = [streams.Reader(fd, "stdout", sink)]
                    handle.connect(readers, streams.Writer(os.dup(fd)), fd)

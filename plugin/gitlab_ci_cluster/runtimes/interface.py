"""The container runtime interface: the kubelet talks to every runtime through it alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from gitlab_ci_cluster.exceptions import ClusterError

Stream = Literal["stdout", "stderr"]
Sink = Callable[[Stream, bytes], None]
"""Receives output as it comes, unchanged; `b""` once a stream has ended."""


class StartError(ClusterError):
    """A process could not be started; the message is for the container's status."""


class PullError(ClusterError):
    """An image could not be pulled; the message is the engine's or the registry's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image on this machine.

    Attributes:
        user: whom its containers run as if nobody else is named; empty is root.
    """

    id: str
    size: int = 0
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How to log in to a registry."""

    server: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or directory of the host shown inside a container."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who a process runs as.

    Attributes:
        uid, gid: None is what the image says; without images, the cluster's user and group 0.
    """

    uid: int | None
    gid: int | None = None
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodConfig:
    """What the containers of one pod share.

    Attributes:
        directory: private to the pod; removed with it.
    """

    uid: str
    name: str
    namespace: str
    hostname: str
    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerConfig:
    """One run of a container.

    Attributes:
        id: unique over all runs.
        argv: empty means the image's own command.
        own_program: argv begins with a program; otherwise it is arguments for the image's own.
        memory_limit: bytes; None is unlimited.
        cpu_limit: processors; None is unlimited.
        profiles: of seccomp and AppArmor in place of the runtime's, as `NAME=PROFILE`; such as
            `seccomp=unconfined` for none.
        capabilities: names without `CAP_` to add to and to drop from the runtime's default set.
    """

    id: str
    image: str
    argv: tuple[str, ...]
    own_program: bool = True
    env: Mapping[str, str]
    cwd: str | None
    mounts: tuple[Mount, ...] = ()
    user: User | None = None
    read_only_root: bool = False
    privileged: bool = False
    no_new_privileges: bool = False
    profiles: tuple[str, ...] = ()
    add_capabilities: frozenset[str] = field(default_factory=frozenset)
    drop_capabilities: frozenset[str] = field(default_factory=frozenset)
    memory_limit: int | None = None
    cpu_limit: float | None = None
    stdin: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecConfig:
    """A further process in a running container."""

    argv: tuple[str, ...]
    stdin: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeConfig:
    """What any runtime is told about the cluster.

    Attributes:
        directory: of the cluster; hidden from all containers.
        leftovers: what to delete should the cluster die without a chance to do so.
        lock: descriptor of the cluster's lock; every process of the cluster keeps it open.
        paths: by image, a directory to put first into PATH.
        on_lost: called when all containers have died with the runtime.
        hidden: further directories that no container may see.
        warm: by their path, Python programs to keep imported, as `MODULE:FUNCTION`; a runtime of
            images has nothing to do with them.
        memory: a private directory with a short path, removed with the cluster; its name is
            that of no other cluster.
    """

    directory: Path
    memory: Path
    leftovers: tuple[Path, ...]
    lock: int
    paths: Mapping[str, str]
    on_lost: Callable[[], None]
    hidden: tuple[Path, ...] = ()
    warm: Mapping[str, str] = field(default_factory=dict)


class Process(Protocol):
    """A started process: the first one of a container, or one that was added by exec."""

    async def wait(self) -> int:
        """Wait for the end; 128 + n after signal n. Output has been delivered by then."""

    def signal(self, number: int) -> None:
        """Send a signal to the process; nothing happens once it has ended."""

    def write(self, data: bytes) -> None:
        """Pass bytes to its standard input; lost once it has ended."""

    def close_stdin(self) -> None:
        """End its standard input."""

    def hold(self, *, held: bool) -> None:
        """Read no more of its output for now, or go on: it waits once its pipe is full."""

    def resize(self, rows: int, columns: int) -> None:
        """Tell its terminal the size of the window."""


class Container(Process, Protocol):
    """The first process of a container."""

    @property
    def oom_killed(self) -> bool:
        """Whether the memory limit has killed a process of it."""


class Runtime(Protocol):
    """Starts containers and leaves nothing behind."""

    @property
    def name(self) -> str:
        """Its name in `containerID` and messages, for example `process`."""

    @property
    def description(self) -> str:
        """One sentence on the isolation it gives."""

    @property
    def isolates(self) -> bool:
        """Whether anything of the machine is kept from a container."""

    @property
    def honours_images(self) -> bool:
        """Whether `image:` decides what is in the container."""

    def changes_users(self, image: str) -> bool:
        """Tell whether a container of an image can run as another user than the cluster."""

    @property
    def mounts(self) -> bool:
        """Whether volumes can be shown at any path."""

    async def open(self) -> None:
        """Get ready; remove what an earlier run left.

        Raises:
            ClusterError: the runtime does not work here.
        """

    async def add_pod(self, pod: PodConfig) -> None:
        """Prepare what the containers of a pod share."""

    async def find_image(self, name: str) -> Image | None:
        """Find an image on this machine.

        Raises:
            ClusterError: nobody answers.
        """

    async def pull(self, name: str, logins: Sequence[Login], say: Callable[[str], None]) -> Image:
        """Bring an image onto this machine, and say how far that is.

        Raises:
            PullError: it cannot be pulled.
        """

    async def start(self, pod: PodConfig, config: ContainerConfig, sink: Sink) -> Container:
        """Start a container, of an image that is there.

        Raises:
            StartError: it could not be started.
        """

    async def exec(self, container: Container, config: ExecConfig, sink: Sink) -> Process:
        """Start a process in a container.

        Raises:
            StartError: it could not be started.
        """

    async def remove_pod(self, pod: PodConfig) -> None:
        """Kill what is left of a pod and delete its directory."""

    async def close(self) -> None:
        """Kill all processes of all pods and wait for their end."""

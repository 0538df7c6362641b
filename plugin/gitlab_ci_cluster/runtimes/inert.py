"""Containers without processes, for load tests: each lives for a while, says something, and ends.

A container is told what to do by its command: `inert SECONDS LINES` writes so many numbered lines,
evenly spread, as the helper of a job does; any other command ends at once. A machine that could not
run a hundred jobs can have thousands of such pods.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gitlab_ci_cluster.objects.meta import now
from gitlab_ci_cluster.runtimes.interface import (
    Container,
    ContainerConfig,
    ExecConfig,
    Image,
    Login,
    PodConfig,
    Process,
    Sink,
    StartError,
)

_KILLED = 128
_STEPS = 20
"""A container writes in so many steps at most."""


class InertContainer:
    """A container that only lives and ends.

    Attributes:
        oom_killed: never.
    """

    oom_killed = False

    def __init__(self, argv: tuple[str, ...], sink: Sink):
        self._sink = sink
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        seconds, lines = _asked(argv)
        self._task = asyncio.create_task(self._live(seconds, lines))

    async def wait(self) -> int:
        """Wait for the end."""
        return await asyncio.shield(self._end)

    def signal(self, number: int) -> None:
        """End, as any signal makes it."""
        self._task.cancel()
        self._finish(_KILLED + number)

    def write(self, data: bytes) -> None:
        """Take what nobody reads."""

    def close_stdin(self) -> None:
        """Take no more of it."""

    def hold(self, *, held: bool) -> None:
        """Go on: it writes too little to be held."""

    def resize(self, rows: int, columns: int) -> None:
        """Have no terminal."""

    async def _live(self, seconds: float, lines: int) -> None:
        steps = min(_STEPS, max(1, lines))
        for step in range(steps):
            first, last = lines * step // steps, lines * (step + 1) // steps
            text = b"".join(b"%d|line %d\n" % (at, at) for at in range(first + 1, last + 1))
            self._sink("stdout", b"@%d\n%s" % (now().timestamp(), text))
            await asyncio.sleep(seconds / steps)
        self._finish(0)

    def _finish(self, code: int) -> None:
        if not self._end.done():
            self._sink("stdout", b"")
            self._sink("stderr", b"")
            self._end.set_result(code)


@dataclass(slots=True)
class InertRuntime:
    """Starts such containers."""

    name: str = "inert"
    description: str = "nothing runs: containers live for a while, and end"
    isolates: bool = True
    honours_images: bool = False
    mounts: bool = False
    _started: set[InertContainer] = field(default_factory=set)

    async def open(self) -> None:
        """Need nothing."""

    def changes_users(self, image: str) -> bool:  # noqa: ARG002 - of any image
        """Run as anybody: nothing runs."""
        return True

    async def find_image(self, name: str) -> Image | None:
        """Have each image, and honour none."""
        return Image(id=name)

    async def pull(
        self,
        name: str,
        logins: Sequence[Login],  # noqa: ARG002 - nobody to log in to
        say: Callable[[str], None],  # noqa: ARG002
    ) -> Image:
        """Have it already."""
        return Image(id=name)

    async def add_pod(self, pod: PodConfig) -> None:
        """Make the directory of a pod."""
        pod.directory.mkdir(parents=True, exist_ok=True)

    async def start(self, pod: PodConfig, config: ContainerConfig, sink: Sink) -> Container:  # noqa: ARG002 - of any pod
        """Start a container."""
        return InertContainer(config.argv, sink)

    async def exec(
        self,
        container: Container,  # noqa: ARG002 - refused for any
        config: ExecConfig,  # noqa: ARG002
        sink: Sink,  # noqa: ARG002
    ) -> Process:
        """Refuse.

        Raises:
            StartError: always.
        """
        raise StartError("nothing runs in an inert container")

    async def remove_pod(self, pod: PodConfig) -> None:
        """Delete the directory of a pod."""
        with suppress(FileNotFoundError):
            shutil.rmtree(pod.directory)

    async def close(self) -> None:
        """Leave nothing: there was nothing."""


def _asked(argv: tuple[str, ...]) -> tuple[float, int]:
    if len(argv) == 3 and argv[0] == "inert":
        return float(argv[1]), int(argv[2])
    return 0, 0

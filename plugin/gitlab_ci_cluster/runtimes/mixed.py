"""A runtime of two: images are those of an engine, programs of this machine run as processes.

So the helper, which is a program of this Python environment, needs no image that somebody would
have to build and pull. Both kinds see the same volumes and the same network, and a FIFO joins them
as it joins any two containers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

from gitlab_ci_cluster.runtimes.interface import (
    Container,
    ContainerConfig,
    ExecConfig,
    Image,
    Login,
    PodConfig,
    Process,
    Runtime,
    Sink,
)


class MixedRuntime:
    """See `interface.Runtime`.

    Args:
        programs: names of images that stand for programs of this machine.
    """

    honours_images = True

    def __init__(self, images: Runtime, processes: Runtime, programs: frozenset[str]) -> None:
        self._images, self._processes = images, processes
        self._programs = programs
        self._owners: WeakKeyDictionary[Container, Runtime] = WeakKeyDictionary()
        self.name = images.name
        self.description = images.description
        self.isolates = images.isolates and processes.isolates
        self.mounts = images.mounts and processes.mounts

    def changes_users(self, image: str) -> bool:
        """See `interface.Runtime`."""
        return self._runtime(image).changes_users(image)

    async def open(self) -> None:
        """See `interface.Runtime`; both are open already, since both have been tried."""

    async def find_image(self, name: str) -> Image | None:
        """See `interface.Runtime`."""
        return await self._runtime(name).find_image(name)

    async def pull(self, name: str, logins: Sequence[Login], say: Callable[[str], None]) -> Image:
        """See `interface.Runtime`."""
        return await self._runtime(name).pull(name, logins, say)

    async def add_pod(self, pod: PodConfig) -> None:
        """See `interface.Runtime`."""
        await self._images.add_pod(pod)
        await self._processes.add_pod(pod)

    async def start(self, pod: PodConfig, config: ContainerConfig, sink: Sink) -> Container:
        """See `interface.Runtime`."""
        runtime = self._runtime(config.image)
        container = await runtime.start(pod, config, sink)
        self._owners[container] = runtime
        return container

    async def exec(self, container: Container, config: ExecConfig, sink: Sink) -> Process:
        """See `interface.Runtime`."""
        return await self._owners[container].exec(container, config, sink)

    async def remove_pod(self, pod: PodConfig) -> None:
        """See `interface.Runtime`; first the containers, which may still write."""
        await self._images.remove_pod(pod)
        await self._processes.remove_pod(pod)

    async def close(self) -> None:
        """See `interface.Runtime`."""
        await asyncio.gather(self._images.close(), self._processes.close())

    def _runtime(self, image: str) -> Runtime:
        return self._processes if image in self._programs else self._images

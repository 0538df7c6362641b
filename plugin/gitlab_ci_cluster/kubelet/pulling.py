"""Bringing the image of a container onto the machine as its pull policy says, like a kubelet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.kubelet.records import Waiting
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.runtimes.interface import Image, Login, Runtime

_BACK_OFF_SECONDS = (10, 20, 40, 80, 160, 300)
_NEVER_SECONDS = 10
_SAY_SECONDS = 10
"""How often the progress of a pull is told."""


class Puller(Protocol):
    """The container that an image is for."""

    spec: Obj

    def tell(self, reason: str, message: str) -> None:
        """Record a Normal event."""

    def warn(self, reason: str, message: str) -> None:
        """Record a Warning event."""

    def wait_with(self, reason: str, message: str, *, event: str) -> None:
        """Show why the container waits, and warn of it."""

    def set(self, **changes: object) -> None:
        """Change the record."""


async def bring_image(puller: Puller, runtime: Runtime, logins: Sequence[Login]) -> Image:
    """Return the image of a container once it is there; never gives up."""
    name, policy = puller.spec["image"], puller.spec["imagePullPolicy"]
    tries = 0
    while True:
        try:
            found = await runtime.find_image(name) if policy != "Always" else None
            if found is not None:
                present = "already present on machine and can be accessed by the pod"
                puller.tell("Pulled", f'Container image "{name}" {present}')
                return found
            if policy != "Never":
                return await _pull(puller, runtime, logins)
        except ClusterError as error:
            await _back_off(puller, str(error), tries)
            tries += 1
        else:
            text = f'Container image "{name}" is not present with pull policy of Never'
            puller.warn("ErrImageNeverPull", text)
            puller.wait_with("ErrImageNeverPull", text, event="Error: ErrImageNeverPull")
            await asyncio.sleep(_NEVER_SECONDS)


async def _pull(puller: Puller, runtime: Runtime, logins: Sequence[Login]) -> Image:
    name, clock = puller.spec["image"], time.monotonic
    puller.tell("Pulling", f'Pulling image "{name}"')
    begun = clock()
    image = await runtime.pull(name, logins, _teller(puller, name))
    seconds = f"{clock() - begun:.3f}s"
    puller.tell(
        "Pulled",
        f'Successfully pulled image "{name}" in {seconds} ({seconds} including waiting). '
        f"Image size: {image.size} bytes.",
    )
    return image


def _teller(puller: Puller, name: str) -> Callable[[str], None]:
    """Tell of the progress of a long pull now and then."""
    last = time.monotonic()

    def say(progress: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _SAY_SECONDS:
            last = time.monotonic()
            puller.set(state=Waiting("ContainerCreating", f"pulling image {name}: {progress}"))

    return say


async def _back_off(puller: Puller, problem: str, tries: int) -> None:
    name = puller.spec["image"]
    said = f'failed to pull image "{name}": {problem}'
    puller.warn("Failed", f'Failed to pull image "{name}": {problem}')
    puller.wait_with("ErrImagePull", said, event="Error: ErrImagePull")
    seconds = _BACK_OFF_SECONDS[min(tries, len(_BACK_OFF_SECONDS) - 1)]
    await asyncio.sleep(seconds / 2)
    back_off = f'Back-off pulling image "{name}"'
    puller.tell("BackOff", back_off)
    shown = f"{back_off}: ErrImagePull: {said}"
    puller.wait_with("ImagePullBackOff", shown, event="Error: ImagePullBackOff")
    await asyncio.sleep(seconds / 2)

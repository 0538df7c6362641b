"""What the parts of the kubelet share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_cluster.kubelet.recorder import EventRecorder
from gitlab_ci_cluster.kubelet.tokens import TokenIssuer
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.objects.resources import RESOURCES
from gitlab_ci_cluster.objects.store import Store
from gitlab_ci_cluster.runtimes.interface import Runtime

_LONGEST_RETRY_SECONDS = 60.0


def retry_seconds() -> Iterator[float]:
    """Say how long to wait before each new try of what may come right by itself; never ends."""
    seconds = 1.0
    while True:
        yield seconds
        seconds = min(seconds * 2, _LONGEST_RETRY_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletContext:
    """The world of the kubelet.

    Attributes:
        disk, memory: directories for what belongs to pods.
        tokens: signs those of service accounts.
        images: names that stand for a directory of programs and need no warning.
        image_map: patterns of images, each with the image to take instead.
        ip: of the node, and of every pod: they share its network.
    """

    store: Store
    runtime: Runtime
    events: EventRecorder
    node: str
    disk: Path
    memory: Path
    images: frozenset[str]
    tokens: TokenIssuer
    image_map: tuple[tuple[str, str], ...] = ()
    ip: str = "127.0.0.1"

    def lookup(self, namespace: str, plural: str, name: str) -> Obj | None:
        """Find a Secret or ConfigMap."""
        return self.store.find(RESOURCES[plural], namespace, name)

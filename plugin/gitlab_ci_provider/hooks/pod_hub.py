"""One watch for all pods that a triggerer follows in a namespace, however many they are.

Each follower hears only of its own pod; what is said of other pods is forgotten at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.async_kubernetes import (
    PASSING,
    Cluster,
    Place,
    RefusedError,
    connected,
)
from gitlab_ci_provider.hooks.shared_patience import SharedPatience
from gitlab_ci_provider.model.log import Log
from gitlab_ci_provider.pods.asking import Condition
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from gitlab_ci_provider.pods.seen import SeenPod, decode_event, decode_pod, decode_pods

_SELECTOR = f"{LABEL_DOMAIN}/life"
"""Pods of jobs have this label."""

_WATCH_SECONDS, _SILENT_SECONDS = 60, 90
"""A watch is started again after this long; a connection that is silent for longer is dead."""

_PAGE = 500
_PAUSE_SECONDS = 0.5

_log = logging.getLogger(__name__)


class UnreachableError(Exception):
    """Kubernetes has not answered for as long as that is borne."""


@dataclass(slots=True, eq=False)
class WatchedPod:
    """One pod as its follower sees it.

    Attributes:
        seen: the pod as it was last seen; None before.
        gone: it was deleted.
    """

    hub: PodHub
    name: str
    seen: SeenPod | None = None
    gone: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Condition, seconds: float) -> SeenPod | None:
        """Wait until the condition holds; None when the time is up first.

        Raises:
            SystemFailure: the pod was deleted.
            UnreachableError: Kubernetes has not answered for too long.
        """
        end = time.monotonic() + seconds
        while True:
            self.news.clear()
            if self.gone:
                raise self.deleted()
            if self.seen is not None and condition(self.seen):
                return self.seen
            left = end - time.monotonic()
            if self.hub.patience.problem:
                raise UnreachableError(self.hub.patience.problem)
            if left <= 0:
                return None
            try:
                await asyncio.wait_for(self.news.wait(), min(left, _SILENT_SECONDS))
            except TimeoutError:
                continue

    def deleted(self) -> SystemFailure:
        """Say that the pod is gone."""
        message = f"pod {self.hub.place.namespace}/{self.name} was deleted before it ended"
        return SystemFailure(message, reason=FailureReason.RUNNER_INTERRUPTED)


class PodHub:
    """Watches the pods of jobs in a namespace for as long as somebody follows one.

    Args:
        place: where.
        outage: seconds for which Kubernetes may be unreachable.

    Attributes:
        cluster: for the followers' own requests.
        patience: with Kubernetes, shared by all followers.
        watches: how many watches were begun.
    """

    def __init__(self, place: Place, outage: float):
        self.place = place
        self.patience = SharedPatience(outage)
        self.watches = 0
        self.cluster: Cluster
        self._pods: dict[str, set[WatchedPod]] = {}
        self._users = 0
        self._opened: AsyncExitStack | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def watching(self, name: str, log: Log) -> AsyncIterator[WatchedPod]:
        """Follow a pod.

        Args:
            name: of the pod.
            log: is told when Kubernetes is away and back, in the caller's context.
        """
        watched = WatchedPod(self, name)
        is_first = await self._enter()
        self._pods.setdefault(name, set()).add(watched)
        look = None if is_first else asyncio.create_task(self._look(watched))
        try:
            with self.patience.telling(log):
                yield watched
        finally:
            if look is not None:
                look.cancel()
            self._pods[name].discard(watched)
            if not self._pods[name]:
                del self._pods[name]
            await self._leave()

    async def _enter(self) -> bool:
        """Connect, unless somebody has; tells whether the list of all pods is still to come."""
        async with self._lock:
            is_first = self._opened is None
            if is_first:
                stack = AsyncExitStack()
                self.cluster = await stack.enter_async_context(connected(self.place))
                self._opened = stack
                self._task = asyncio.create_task(self._run())
            self._users += 1
            return is_first

    async def _leave(self) -> None:
        self._users -= 1
        async with self._lock:
            if self._users or self._opened is None:
                return
            stack, self._opened = self._opened, None
            if self._task is not None:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
            await stack.aclose()
            self.patience.end()

    async def _look(self, watched: WatchedPod) -> None:
        """Ask for one pod: the watch only tells what changes from now on."""
        while watched.seen is None:
            try:
                data = await self.cluster.get(f"pods/{watched.name}")
            except RefusedError as problem:
                if problem.status == 404:
                    watched.gone = True
                    watched.news.set()
                    return
                await self._bear(problem)
            except PASSING as problem:
                await self._bear(problem)
            else:
                self.patience.end()
                self._tell(watched, decode_pod(data))

    async def _run(self) -> None:
        """Keep the watch going."""
        version = ""
        while True:
            try:
                version = version or await self._list()
                version = await self._watch(version)
            except (*PASSING, RefusedError) as problem:
                version = ""
                await self._bear(problem)
            except Exception as problem:  # noqa: BLE001 - nobody would hear of the end of this task
                version = ""
                _log.warning("the watch of pods begins again", exc_info=problem)
                await self._bear(problem)

    async def _list(self) -> str:
        """Look at all pods of jobs; gives the version to watch from.

        A pod was created before anybody follows it: one that is not in the list is gone.
        """
        known = {watched for found in self._pods.values() for watched in found}
        query, page = {"labelSelector": _SELECTOR, "limit": str(_PAGE)}, ""
        while True:
            more = {"continue": page} if page else {}
            pods = decode_pods(await self.cluster.get("pods", query | more))
            self.patience.end()
            for pod in pods.items:
                for watched in self._pods.get(pod.metadata.name, ()):
                    known.discard(watched)
                    self._tell(watched, pod)
            page = pods.metadata.continue_ or ""
            if not page:
                break
        for watched in known:
            watched.gone = True
            watched.news.set()
        return pods.metadata.resource_version

    async def _watch(self, version: str) -> str:
        """Watch from a version on; gives the next one, empty when that is not known anymore."""
        self.watches += 1
        query = {
            "labelSelector": _SELECTOR,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_WATCH_SECONDS),
            "resourceVersion": version,
        }
        async with self.cluster.lines("pods", query, _SILENT_SECONDS) as lines:
            self.patience.end()
            async for line in lines:
                event = decode_event(line)
                if event.type == "ERROR":
                    await asyncio.sleep(_PAUSE_SECONDS)
                    return ""
                pod = event.pod
                version = pod.metadata.resource_version
                for watched in self._pods.get(pod.metadata.name, ()):
                    watched.gone = event.type == "DELETED"
                    self._tell(watched, pod)
        return version

    def _tell(self, watched: WatchedPod, pod: SeenPod) -> None:
        watched.seen = pod
        watched.news.set()

    async def _bear(self, problem: BaseException) -> None:
        pause = self.patience.bear(problem)
        if self.patience.problem:
            for found in self._pods.values():
                for watched in found:
                    watched.news.set()
        await asyncio.sleep(pause)


_HUBS: WeakKeyDictionary[Any, dict[Place, PodHub]] = WeakKeyDictionary()
"""By event loop: a triggerer has one."""


def hub_of(place: Place, outage: float) -> PodHub:
    """Give the hub that all followers of a place share."""
    hubs = _HUBS.setdefault(asyncio.get_running_loop(), {})
    if place not in hubs:
        hubs[place] = PodHub(place, outage)
    return hubs[place]

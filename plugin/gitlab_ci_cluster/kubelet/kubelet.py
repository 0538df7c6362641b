"""Runs all pods: a worker for each, started and stopped by changes in the store."""

from __future__ import annotations

import asyncio
import logging

from gitlab_ci_cluster.kubelet.context import KubeletContext
from gitlab_ci_cluster.kubelet.pod_worker import PodWorker
from gitlab_ci_cluster.objects.meta import (
    Obj,
    is_deleting,
    key_of,
    timestamp,
    with_metadata,
)
from gitlab_ci_cluster.objects.resources import PODS
from gitlab_ci_cluster.objects.store import Change
from gitlab_ci_cluster.runtimes.interface import Container, Runtime

_log = logging.getLogger(__name__)


class Kubelet:
    """The one kubelet of the one node."""

    def __init__(self, context: KubeletContext) -> None:
        self._context = context
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        context.store.listen(self._on_change)

    def worker(self, uid: str) -> PodWorker | None:
        """Find who runs a pod."""
        return self._workers.get(uid)

    @property
    def runtime(self) -> Runtime:
        """What starts containers."""
        return self._context.runtime

    def container(self, uid: str, name: str) -> Container | None:
        """Find a running container of a pod."""
        worker = self._workers.get(uid)
        runner = worker.containers.get(name) if worker else None
        return runner.container if runner else None

    async def close(self) -> None:
        """Stop all pods at once."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _on_change(self, change: Change) -> None:
        if change.resource is not PODS:
            return
        uid = change.obj["metadata"]["uid"]
        if change.type == "ADDED":
            worker = self._workers[uid] = PodWorker(self._context, change.obj)
            self._tasks[uid] = asyncio.create_task(self._run(worker))
        elif change.type == "DELETED":
            self._stop(uid, 0.0)
        elif is_deleting(change.obj):
            self._stop(uid, float(change.obj["metadata"]["deletionGracePeriodSeconds"]))
            if uid not in self._workers and change.before and not is_deleting(change.before):
                asyncio.get_running_loop().call_soon(self._remove, change.obj)

    def _stop(self, uid: str, grace: float) -> None:
        worker = self._workers.get(uid)
        if worker is not None:
            worker.stop(grace)

    async def _run(self, worker: PodWorker) -> None:
        try:
            await worker.run()
        except Exception:  # noqa: BLE001 - one bad pod must not be the last
            _log.exception("pod %s/%s", worker.config.namespace, worker.config.name)
        finally:
            self._finish(worker)

    def _finish(self, worker: PodWorker) -> None:
        """Forget a pod: its worker, at last its object."""
        del self._workers[worker.uid]
        del self._tasks[worker.uid]
        pod = self._context.store.find(PODS, worker.config.namespace, worker.config.name)
        if pod is not None and pod["metadata"]["uid"] == worker.uid and is_deleting(pod):
            self._remove(pod)

    def _remove(self, pod: Obj) -> None:
        """Take a pod whose containers have ended out of the store."""
        store = self._context.store
        if store.find(PODS, *key_of(pod)) is None:
            return
        pod = with_metadata(pod, deletionGracePeriodSeconds=0, deletionTimestamp=timestamp())
        pod = store.update(PODS, pod)
        if not pod["metadata"].get("finalizers"):
            store.remove(PODS, *key_of(pod))

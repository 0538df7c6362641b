"""One pod: from scheduling to its last status, in the order of a real kubelet."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from gitlab_ci_cluster.controllers import scheduler
from gitlab_ci_cluster.files import remove_tree
from gitlab_ci_cluster.kubelet import hosts, security
from gitlab_ci_cluster.kubelet.container_worker import ContainerWorker
from gitlab_ci_cluster.kubelet.context import KubeletContext, retry_seconds
from gitlab_ci_cluster.kubelet.recorder import field_path
from gitlab_ci_cluster.kubelet.records import ContainerRecord, all_containers, first_records
from gitlab_ci_cluster.kubelet.status import (
    TERMINAL,
    PodState,
    build_status,
    phase_of,
)
from gitlab_ci_cluster.kubelet.unsupported import unsupported_fields
from gitlab_ci_cluster.kubelet.volumes import (
    VolumeError,
    VolumePlace,
    make_volumes,
)
from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.meta import Obj, timestamp
from gitlab_ci_cluster.objects.resources import CONFIG_MAPS, PODS, SECRETS
from gitlab_ci_cluster.runtimes.interface import Mount, PodConfig

_DEADLINE = "Pod was active on the node longer than the specified deadline"
_DEFECT = "the embedded cluster has failed to run this pod: see its log"
_NO_MOUNTS = (
    "this machine allows the {runtime} runtime no mounts: volume {volume} cannot be shown at "
    "{path}; run as root, or as a user with user namespaces"
)

_SILENT_SECONDS = 0.25
"""A kubelet looks for volumes only some time after it has heard of the pod: a Secret that is
created right after the pod causes no event."""

_log = logging.getLogger(__name__)


class PodWorker:
    """Runs one pod and writes its status; see `container_worker.PodView`."""

    def __init__(self, context: KubeletContext, pod: Obj) -> None:
        metadata = pod["metadata"]
        self.uid: str = metadata["uid"]
        self.config = PodConfig(
            uid=self.uid,
            name=metadata["name"],
            namespace=metadata["namespace"],
            hostname=hosts.hostname(pod),
            directory=context.disk / self.uid,
        )
        self.volumes: dict[str, Path] = {}
        self.extra_mounts: tuple[Mount, ...] = ()
        self.containers: dict[str, ContainerWorker] = {}
        self._context = context
        self._last_pod = pod
        self._records = first_records(pod["spec"])
        self._sandbox = False
        self._start_time = ""
        self._quiet = False
        self._failure: tuple[str, str] | None = None
        self._stop = asyncio.Event()
        self._grace = 0.0
        self._tasks: list[asyncio.Task[int]] = []
        self._life: list[asyncio.Task[Any]] = []

    @property
    def pod(self) -> Obj:
        """The pod as it is now, or was last."""
        pod = self._context.store.find(PODS, self.config.namespace, self.config.name)
        if pod is not None and pod["metadata"]["uid"] == self.uid:
            self._last_pod = pod
        return self._last_pod

    def changed(self, record: ContainerRecord) -> None:
        """See `container_worker.PodView`."""
        self._records[record.name] = record
        if not self._quiet:
            self._publish()

    def stop(self, grace: float) -> None:
        """Ask the pod to end; a later call may shorten the grace period, in seconds."""
        self._grace = grace
        if self._stop.is_set():
            for worker in self.containers.values():
                worker.hurry(grace)
        self._stop.set()

    async def run(self) -> None:
        """Live the pod's life, then clean up behind it."""
        try:
            await self._run_until_stopped()
        finally:
            for container in self.containers.values():
                if container.container is not None:
                    container.container.signal(9)
            await _cancel(*self._life, *self._tasks)  # none goes on when the whole cluster ends
            await self._context.runtime.remove_pod(self.config)
            await asyncio.to_thread(remove_tree, self._context.memory / self.uid)

    async def _run_until_stopped(self) -> None:
        life = asyncio.create_task(self._live())
        deadline = self._deadline()
        stop = asyncio.create_task(self._stop.wait())
        self._life = [life, stop]
        await asyncio.wait({life, stop}, timeout=deadline, return_when=asyncio.FIRST_COMPLETED)
        if not life.done():
            if not stop.done():
                self._pass_deadline()
            await _cancel(life, *self._tasks)
            await self._end_containers()
        elif life.exception():
            _log.error("pod %s", self.config.name, exc_info=life.exception())
            self._failure = ("InternalError", _DEFECT)
            await _cancel(*self._tasks)
            await self._end_containers()
        self._settle()
        if self._stop.is_set():
            stop.cancel()
            return
        await stop

    def _deadline(self) -> float | None:
        seconds: float | None = self.pod["spec"].get("activeDeadlineSeconds")
        return seconds

    def _pass_deadline(self) -> None:
        self._failure = ("DeadlineExceeded", _DEADLINE)
        self._grace = self.pod["spec"].get("terminationGracePeriodSeconds", 30)
        self._context.events.normal(self.pod, *self._failure)
        self._publish()

    async def _live(self) -> None:
        await self._schedule()
        self._tell_unsupported()
        self._start_time = timestamp()
        self._publish()
        await self._prepare()
        self._sandbox = True
        self._publish()
        if await self._run_init_containers():
            await self._run_app_containers()
            await self._stop_sidecars()

    async def _schedule(self) -> None:
        while True:
            problem = scheduler.why_not(self.pod, self._context.node)
            if problem is None:
                break
            if self._set_unscheduled(problem):
                reason = "FailedScheduling"
                if problem.reason == "Unschedulable":
                    self._context.events.warning(self.pod, reason, problem.message)
            await self._context.store.wait(PODS)
        pod = self.pod
        spec = {**pod["spec"], "nodeName": self._context.node}
        self._update({**pod, "spec": spec, "status": scheduler.scheduled_status(pod["status"])})
        self._context.events.scheduled(pod)

    def _tell_unsupported(self) -> None:
        if not self._context.runtime.isolates:
            text = f"nothing is kept from this pod: {self._context.runtime.description}"
            self._context.events.warning(self.pod, "NotIsolated", text)
        has_profiles = self._context.runtime.honours_images
        fields = ", ".join(unsupported_fields(self.pod["spec"], has_profiles=has_profiles))
        if fields:
            text = f"the embedded cluster does not act on {fields}"
            self._context.events.warning(self.pod, "FieldsNotHonoured", text)
        if not has_profiles:
            self._tell_unused_images()

    def _tell_unused_images(self) -> None:
        name, known = self._context.runtime.name, self._context.images
        spec = self.pod["spec"]
        for container in all_containers(spec):
            if container["image"] not in known:
                text = (
                    f"image: {container['image']} is NOT honoured by the {name} runtime: the "
                    "container sees this machine's own root and programs"
                )
                place = field_path(spec, container["name"])
                self._context.events.warning(self.pod, "ImageNotHonoured", text, place)

    def _set_unscheduled(self, problem: scheduler.Problem) -> bool:
        before = self.pod
        status = scheduler.unscheduled_status(before["status"], problem)
        self._update({**before, "status": status})
        return self.pod is not before

    async def _prepare(self) -> None:
        """Make volumes and sandbox; wait for the Secrets and ConfigMaps that are not there yet."""
        clock = asyncio.get_running_loop().time
        silent_until = clock() + _SILENT_SECONDS
        for pause in retry_seconds():
            try:
                self._make_volumes()
                await self._context.runtime.add_pod(self.config)
            except (VolumeError, OSError) as error:
                left = silent_until - clock()
                if left <= 0:
                    self._context.events.warning(self.pod, "FailedMount", str(error))
            else:
                return
            seconds = left if left > 0 else pause
            await self._context.store.wait(SECRETS, CONFIG_MAPS, seconds=seconds)

    def _make_volumes(self) -> None:
        self._check_mounts()
        place = VolumePlace(
            disk=self.config.directory / "volumes",
            memory=self._context.memory / self.uid,
            group=security.fs_group(self.pod),
            sign=self._context.tokens.issue,
        )
        self.volumes = make_volumes(self.pod, place, self._lookup)
        self.extra_mounts = hosts.make_files(self.pod, self.config, self._context)

    def _check_mounts(self) -> None:
        if self._context.runtime.mounts:
            return
        for container in self.pod["spec"]["containers"]:
            for mount in container.get("volumeMounts", []):
                raise VolumeError(
                    _NO_MOUNTS.format(
                        runtime=self._context.runtime.name,
                        volume=mount["name"],
                        path=mount["mountPath"],
                    )
                )

    def _lookup(self, plural: str, name: str) -> Obj | None:
        return self._context.lookup(self.config.namespace, plural, name)

    async def _run_init_containers(self) -> bool:
        """Run them one after the other; False when one failed for good."""
        for spec in self.pod["spec"].get("initContainers", []):
            worker = self._worker(spec)
            task = self._begin(worker)
            if worker.record.kind == "sidecar":
                started = asyncio.ensure_future(worker.was_started.wait())
                await asyncio.wait({started, task}, return_when=asyncio.FIRST_COMPLETED)
                started.cancel()
            elif await task != 0:
                return False
        return True

    async def _run_app_containers(self) -> None:
        tasks = []
        self._quiet = True
        try:
            for spec in self.pod["spec"]["containers"]:
                worker = self._worker(spec)
                tasks.append(self._begin(worker))
                await worker.first_start.wait()
        finally:
            self._quiet = False
        self._publish()
        await asyncio.gather(*tasks)

    async def _stop_sidecars(self) -> None:
        grace = self.pod["spec"].get("terminationGracePeriodSeconds", 30)
        for worker in reversed(list(self.containers.values())):
            if worker.record.kind == "sidecar":
                await worker.stop(grace)
        await _cancel(*self._tasks)  # a sidecar may be waiting to start again

    def _worker(self, spec: Obj) -> ContainerWorker:
        worker = ContainerWorker(self._context, self, spec, self._records[spec["name"]])
        self.containers[spec["name"]] = worker
        return worker

    def _begin(self, worker: ContainerWorker) -> asyncio.Task[int]:
        task = asyncio.create_task(worker.run())
        self._tasks.append(task)
        return task

    async def _end_containers(self) -> None:
        """Stop what still runs: app containers together, then sidecars, the last first."""
        self._quiet = True
        deadline = asyncio.get_running_loop().time() + self._grace
        workers = list(self.containers.values())
        apps = [worker.stop(self._grace) for worker in workers if worker.record.kind != "sidecar"]
        await asyncio.gather(*apps)
        for worker in reversed(workers):
            if worker.record.kind == "sidecar":
                left = deadline - asyncio.get_running_loop().time()
                await worker.stop(max(left, 0.0))

    def _settle(self) -> None:
        """Write the last status, with the phase that the pod keeps."""
        self._quiet = False
        self._publish(settled=True)

    def _publish(self, *, settled: bool = False) -> None:
        if not self._start_time:
            return
        pod = self.pod
        ended = phase_of(pod["spec"], self._records) in TERMINAL or self._failure or settled
        state = PodState(
            records=self._records,
            sandbox=self._sandbox and not (ended and self._was_killed()),
            settled=settled and bool(ended),
            failure=self._failure,
            time=timestamp(),
            ip=self._context.ip,
            start_time=self._start_time,
        )
        self._update({**pod, "status": build_status(pod, state)})

    def _was_killed(self) -> bool:
        """Whether the kubelet has ended a container: then the sandbox has gone with it."""
        return any(worker.killed for worker in self.containers.values())

    def _update(self, pod: Obj) -> None:
        with suppress(ApiError):  # deleted by force: nobody wants to know any more
            self._context.store.update(PODS, pod)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

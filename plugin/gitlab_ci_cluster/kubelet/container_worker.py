"""One container of a pod: start, wait, start again as the restart policy says, stop."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace

from gitlab_ci_cluster.kubelet import endings, images
from gitlab_ci_cluster.kubelet.container_config import (
    PodView,
    make_config,
    message_file,
)
from gitlab_ci_cluster.kubelet.context import KubeletContext, retry_seconds
from gitlab_ci_cluster.kubelet.environment import ConfigError
from gitlab_ci_cluster.kubelet.logs import ContainerLog
from gitlab_ci_cluster.kubelet.probes import Probes, run_handler
from gitlab_ci_cluster.kubelet.pull_secrets import logins_for
from gitlab_ci_cluster.kubelet.pulling import bring_image
from gitlab_ci_cluster.kubelet.recorder import field_path
from gitlab_ci_cluster.kubelet.records import (
    ContainerRecord,
    Running,
    Terminated,
    Waiting,
)
from gitlab_ci_cluster.kubelet.volumes import VolumeError
from gitlab_ci_cluster.objects.meta import Obj, now
from gitlab_ci_cluster.objects.resources import CONFIG_MAPS, SECRETS
from gitlab_ci_cluster.runtimes.interface import (
    Container,
    ContainerConfig,
    Image,
    StartError,
)

_NO_USERS = (
    "runAsUser, runAsGroup and fsGroup are NOT honoured: the cluster does not run as root, so the "
    "container runs as the cluster's own user, which it sees as root"
)


class ContainerWorker:
    """Runs one container of a pod.

    Attributes:
        container: the process, while it runs.
        log, previous_log: of the current or last run, and of the one before.
        first_start: set once the first start has succeeded, failed, or has to wait.
        was_started: set once it runs and its startup probe has succeeded.
        killed: the kubelet has ended it, not it itself.
    """

    def __init__(
        self, context: KubeletContext, view: PodView, spec: Obj, record: ContainerRecord
    ) -> None:
        self.spec = spec
        self.record = record
        self.context = context
        self.container: Container | None = None
        self.log: ContainerLog | None = None
        self.previous_log: ContainerLog | None = None
        self.first_start = asyncio.Event()
        self.was_started = asyncio.Event()
        self.killed = False
        self._view = view
        self._stopping = False
        self._kill_at = float("inf")
        self._hurried = asyncio.Event()
        self._config_id = ""
        self._image = Image(id=spec["image"])
        self._field = field_path(view.pod["spec"], spec["name"])
        self._policy = endings.policy_of(view.pod["spec"], record)

    def warn(self, reason: str, message: str) -> None:
        """Tell of a problem with this container."""
        self.context.events.warning(self._view.pod, reason, message, self._field)

    def tell(self, reason: str, message: str) -> None:
        """Tell something expected of this container."""
        self.context.events.normal(self._view.pod, reason, message, self._field)

    def set(self, **changes: object) -> None:
        """Change the record and pass it on."""
        self.record = replace(self.record, **changes)  # type: ignore[arg-type] # fields of the record
        self._view.changed(self.record)

    async def run(self) -> int:
        """Run until the container is over for good; gives the last exit code."""
        while True:
            code = await self._run_once()
            if self._stopping or not endings.starts_again(self._policy, code):
                return code
            await self._back_off()
            self.record = replace(self.record, restarts=self.record.restarts + 1)

    async def _run_once(self) -> int:
        container = await self._start(await self._prepare())
        self.first_start.set()
        if container is None:
            return endings.START_FAILURE
        probes = asyncio.create_task(Probes(self).run())
        try:
            await self._post_start(container)
            code = await container.wait()
        finally:
            probes.cancel()
        self._ended(code)
        return code

    async def _prepare(self) -> ContainerConfig:
        """Gather all that the container needs; wait for what is missing."""
        problem = images.name_problem(self.spec["image"])
        if problem:
            self.warn("InspectFailed", problem)
            self.wait_with("InvalidImageName", problem, event="Error: InvalidImageName")
            await asyncio.Event().wait()  # nothing but deleting the pod ends this
        self._map_image()
        problem = self._lacks_program()
        if problem:
            self.wait_with("CreateContainerError", problem, event=f"Error: {problem}")
            await asyncio.Event().wait()
        for seconds in retry_seconds():
            await self._bring_image()
            try:
                return make_config(self.context, self._view, self.spec)
            except (ConfigError, VolumeError, OSError) as error:
                self.wait_with("CreateContainerConfigError", str(error), event=f"Error: {error}")
            await self.context.store.wait(SECRETS, CONFIG_MAPS, seconds=seconds)
        raise RuntimeError("retries never end")

    def _map_image(self) -> None:
        image = self.spec["image"]
        instead = images.mapped_image(image, self.context.image_map)
        if instead != image:
            self.tell("ImageMapped", f"image {instead} is used instead of {image} (image_map)")
            self.spec = {**self.spec, "image": instead}

    def _lacks_program(self) -> str | None:
        runtime, image = self.context.runtime, self.spec["image"]
        if self.record.kind != "sidecar" or runtime.honours_images or image in self.context.images:
            return None
        return images.program_problem(self.spec)

    def wait_with(self, reason: str, message: str, *, event: str) -> None:
        """Show why it waits, and warn of it."""
        self.warn("Failed", event)
        self.set(state=Waiting(reason, message))
        self.first_start.set()

    async def _bring_image(self) -> None:
        image, runtime = self.spec["image"], self.context.runtime
        if runtime.honours_images and image not in self.context.images:
            pod, namespace = self._view.pod, self._view.config.namespace
            logins = logins_for(
                image, pod, lambda plural, name: self.context.lookup(namespace, plural, name)
            )
            self._image = await bring_image(self, runtime, logins)
            return
        present = "already present on machine and can be accessed by the pod"
        self.tell("Pulled", f'Container image "{image}" {present}')

    async def _start(self, config: ContainerConfig) -> Container | None:
        if config.user is not None and not self.context.runtime.changes_users(config.image):
            self.warn("UserNotHonoured", _NO_USERS)
            config = replace(config, user=None)
        self.tell("Created", "Container created")
        directory = self._view.config.directory / "logs" / self.spec["name"]
        log = ContainerLog(directory / f"{self.record.restarts}.log")
        self.previous_log, self.log = self.log, log
        container_id = f"{self.context.runtime.name}://{config.id}"
        self._config_id = config.id
        try:
            container = await self.context.runtime.start(self._view.config, config, log.write)
        except (StartError, OSError) as error:
            log.close()
            ended = endings.not_started(str(error), container_id)
            self.warn("Failed", f"Error: {ended.message}")
            self._set_ended(ended)
            return None
        self.container = container
        self.tell("Started", "Container started")
        self._set_running(container_id)
        return container

    def _set_running(self, container_id: str) -> None:
        probed = {"readinessProbe", "startupProbe"} & set(self.spec)
        started = self.record.kind == "init" or "startupProbe" not in self.spec
        self.set(
            state=Running(now()),
            container_id=container_id,
            image_id=self._image.id,
            started=started,
            ready=self.record.kind != "init" and not probed,
        )
        if started:
            self.was_started.set()

    def _ended(self, code: int) -> None:
        """Write down how the container ended; a second call does nothing."""
        container, log = self.container, self.log
        if container is None or log is None:
            return
        self.container = None
        log.close()
        if log.lost_bytes:
            self.warn("LogLost", f"{log.lost_bytes} bytes of log are lost: the disk is full")
        words = message_file(self._view.config, self._config_id)
        message = endings.termination_message(self.spec, words, code, log)
        killed = container.oom_killed
        self._set_ended(endings.ended(self.record, code, oom_killed=killed, message=message))

    def _set_ended(self, ended: Terminated) -> None:
        self.set(
            state=ended,
            container_id=ended.container_id,
            image_id=self._image.id,
            started=False,
            ready=self.record.kind == "init" and ended.exit_code == 0,
        )

    async def _back_off(self) -> None:
        ended, seconds = self.record.state, endings.back_off_seconds(self.record.restarts)
        if not isinstance(ended, Terminated):
            return
        if not seconds:
            self.record = replace(self.record, last_state=ended)
            return
        metadata, name = self._view.pod["metadata"], self.spec["name"]
        where = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        self.warn("BackOff", f"Back-off restarting failed container {name} in pod {where}")
        message = f"back-off {seconds}s restarting failed container={name} pod={where}"
        self.set(state=Waiting("CrashLoopBackOff", message), last_state=ended)
        await asyncio.sleep(seconds)

    async def _post_start(self, container: Container) -> None:
        handler = self.spec.get("lifecycle", {}).get("postStart")
        if handler is None:
            return
        problem = await run_handler(self, handler, None)
        if problem is not None:
            self.warn("FailedPostStartHook", f"PostStartHook failed: {problem}")
            container.signal(signal.SIGKILL)

    async def stop(self, grace: float) -> None:
        """End the container for good within `grace` seconds."""
        self._stopping = True
        await self._kill(grace, f"Stopping container {self.spec['name']}")

    async def fail_probe(self, name: str) -> None:
        """End the container because a probe says so; its restart policy decides what follows."""
        pod_grace = self._view.pod["spec"].get("terminationGracePeriodSeconds", 30)
        grace = self.spec[f"{name}Probe"].get("terminationGracePeriodSeconds", pod_grace)
        text = f"Container {self.spec['name']} failed {name} probe, will be restarted"
        if self._policy == "Never":
            text = f"Stopping container {self.spec['name']}"
        await self._kill(grace, text)

    def hurry(self, grace: float) -> None:
        """Shorten the time that a container which is being ended still has."""
        self._kill_at = min(self._kill_at, asyncio.get_running_loop().time() + grace)
        self._hurried.set()

    async def _kill(self, grace: float, event: str) -> None:
        """Run the preStop hook and send TERM; send KILL when the time is over."""
        container = self.container
        if container is None:
            return
        self.killed = True
        self.hurry(grace)
        self.tell("Killing", event)
        ended = asyncio.ensure_future(container.wait())
        term = asyncio.create_task(self._ask_to_end(container, grace))
        while not ended.done():
            left = self._kill_at - asyncio.get_running_loop().time()
            if left <= 0:
                container.signal(signal.SIGKILL)
                break
            self._hurried.clear()
            hurried = asyncio.create_task(self._hurried.wait())
            await asyncio.wait({ended, hurried}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
        code = await ended
        term.cancel()
        self._ended(code)

    async def _ask_to_end(self, container: Container, grace: float) -> None:
        handler = self.spec.get("lifecycle", {}).get("preStop")
        if handler is not None:
            problem = await run_handler(self, handler, grace)
            if problem is not None:
                self.warn("FailedPreStopHook", f"PreStopHook failed: {problem}")
        container.signal(signal.SIGTERM)

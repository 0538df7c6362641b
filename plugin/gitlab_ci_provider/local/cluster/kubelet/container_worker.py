"""One container of a pod: start, wait, start again as the restart policy says, stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gitlab_ci_provider.local.cluster.kubelet import images, security
from gitlab_ci_provider.local.cluster.kubelet.context import KubeletContext
from gitlab_ci_provider.local.cluster.kubelet.environment import (
    ConfigError,
    command_line,
    environment,
)
from gitlab_ci_provider.local.cluster.kubelet.logs import ContainerLog
from gitlab_ci_provider.local.cluster.kubelet.probes import Probes, run_handler
from gitlab_ci_provider.local.cluster.kubelet.recorder import field_path
from gitlab_ci_provider.local.cluster.kubelet.records import (
    ContainerRecord,
    Running,
    Terminated,
    Waiting,
)
from gitlab_ci_provider.local.cluster.kubelet.volumes import VolumeError, mounts_of
from gitlab_ci_provider.local.cluster.objects import Obj, new_uid, now
from gitlab_ci_provider.local.cluster.resources import CONFIG_MAPS, SECRETS
from gitlab_ci_provider.local.cluster.runtimes.base import (
    Container,
    ContainerConfig,
    Mount,
    PodConfig,
    StartError,
)

_BACK_OFF_SECONDS = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
_MESSAGE_BYTES = 4096
_FALLBACK_LINES, _FALLBACK_BYTES = 80, 2048
_START_FAILURE = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
    "runc create failed: unable to start container process: "
)


class PodView(Protocol):
    """What a container sees of its pod."""

    config: PodConfig
    volumes: dict[str, Path]
    extra_mounts: tuple[Mount, ...]

    @property
    def pod(self) -> Obj:
        """The pod as it is now."""

    def changed(self, record: ContainerRecord) -> None:
        """Take note of a container's new record."""


class ContainerWorker:
    """Runs one container of a pod."""

    def __init__(
        self, context: KubeletContext, view: PodView, spec: Obj, record: ContainerRecord
    ) -> None:
        self.spec = spec
        self.record = record
        self.container: Container | None = None
        self.log: ContainerLog | None = None
        self.previous_log: ContainerLog | None = None
        self.first_start = asyncio.Event()
        self.was_started = asyncio.Event()
        self._context = context
        self._view = view
        self._stopping = False
        self._field = field_path(view.pod["spec"], spec["name"])
        self._mount_message: Path | None = None
        self._probes = Probes(self)

    # -- what probes need ---------------------------------------------------------------------

    @property
    def context(self) -> KubeletContext:
        """The world of the kubelet."""
        return self._context

    def warn(self, reason: str, message: str) -> None:
        """Tell of a problem with this container."""
        self._context.events.warning(self._view.pod, reason, message, self._field)

    def tell(self, reason: str, message: str) -> None:
        """Tell something expected of this container."""
        self._context.events.normal(self._view.pod, reason, message, self._field)

    def mark_started(self) -> None:
        """Take note that the startup probe has succeeded, or that there is none."""
        self.was_started.set()

    def set(self, **changes: object) -> None:
        """Change the record and pass it on."""
        self.record = replace(self.record, **changes)  # type: ignore[arg-type] # fields of the record
        self._view.changed(self.record)

    # -- life ---------------------------------------------------------------------------------

    async def run(self) -> int:
        """Run until the container is over for good; gives the last exit code."""
        policy = _policy(self._view.pod["spec"], self.record)
        while True:
            code = await self._run_once()
            if self._stopping or not _restarts(policy, code):
                return code
            await self._back_off()
            self.set(restarts=self.record.restarts + 1)

    async def _run_once(self) -> int:
        config = await self._prepare()
        container = await self._start(config)
        if container is None:
            self.first_start.set()
            return 128
        probes = asyncio.create_task(self._probes.run())
        try:
            await self._post_start(container)
            code = await container.wait()
        finally:
            probes.cancel()
        self._ended(code)
        return code

    async def _prepare(self) -> ContainerConfig:
        """Gather all that the container needs; wait for what is missing."""
        while True:
            problem = images.name_problem(self.spec["image"])
            if problem:
                self._wait_with("InvalidImageName", problem, event="InspectFailed")
                await asyncio.Event().wait()
            try:
                return self._config()
            except (ConfigError, VolumeError) as error:
                self._wait_with("CreateContainerConfigError", str(error))
            await self._configuration_changed()

    def _wait_with(self, reason: str, message: str, *, event: str | None = None) -> None:
        if event:
            self.warn(event, message)
        self.warn("Failed", f"Error: {reason if event else message}")
        self.set(state=Waiting(reason, message))
        self.first_start.set()

    async def _configuration_changed(self) -> None:
        waits = [
            asyncio.ensure_future(self._context.store.wait(resource))
            for resource in (SECRETS, CONFIG_MAPS)
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _config(self) -> ContainerConfig:
        pod, spec = self._view.pod, self.spec
        namespace = pod["metadata"]["namespace"]
        variables = environment(
            pod, spec, lambda plural, name: self._context.lookup(namespace, plural, name)
        )
        mounts = (*self._view.extra_mounts, *mounts_of(spec, self._view.volumes, variables))
        identifier = new_uid().replace("-", "") + new_uid().replace("-", "")
        return ContainerConfig(
            id=identifier,
            image=spec["image"],
            argv=command_line(spec, variables),
            env=variables,
            cwd=spec.get("workingDir"),
            mounts=(*mounts, *self._message_mount(identifier)),
            user=security.user_of(pod, spec, spec["name"]),
            memory_limit=security.memory_limit(spec),
            stdin=bool(spec.get("stdin")),
            tty=bool(spec.get("tty")),
            **security.rights(spec),
        )

    def _message_mount(self, identifier: str) -> tuple[Mount, ...]:
        """Make the file that a container may write its last words to."""
        if not self._context.runtime.mounts:
            return ()
        path = self._view.config.directory / "messages" / identifier
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o666)
        self._mount_message = path
        return (Mount(source=path, target=self.spec["terminationMessagePath"]),)

    async def _start(self, config: ContainerConfig) -> Container | None:
        runtime = self._context.runtime
        self._tell_about_image()
        self.tell("Created", "Container created")
        self.previous_log, self.log = self.log, self._new_log()
        container_id = f"{runtime.name}://{config.id}"
        try:
            container = await runtime.start(self._view.config, config, self.log.write)
        except StartError as error:
            self._could_not_start(str(error), container_id)
            return None
        self.container = container
        self.tell("Started", "Container started")
        self.set(
            state=Running(now()),
            container_id=container_id,
            image_id=self.spec["image"],
            started=self.record.kind == "init" or "startupProbe" not in self.spec,
            ready=self.record.kind != "init"
            and not {"readinessProbe", "startupProbe"} & set(self.spec),
        )
        if self.record.started:
            self.was_started.set()
        self.first_start.set()
        return container

    def _tell_about_image(self) -> None:
        image = self.spec["image"]
        self.tell(
            "Pulled",
            f'Container image "{image}" already present on machine and can be accessed by the pod',
        )
        if not self._context.runtime.honours_images and image not in self._context.images:
            self.warn(
                "ImageNotHonoured",
                f"image: {image} is NOT honoured by the {self._context.runtime.name} runtime: "
                "the container sees this machine's own root and programs",
            )

    def _new_log(self) -> ContainerLog:
        directory = self._view.config.directory / "logs" / self.spec["name"]
        return ContainerLog(directory / f"{self.record.restarts}.log")

    def _could_not_start(self, error: str, container_id: str) -> None:
        if self.log is not None:
            self.log.close()
        message = f"{_START_FAILURE}{error}"
        self.warn("Failed", f"Error: {message}")
        ended = Terminated(
            exit_code=128,
            reason="StartError",
            message=message,
            finished_at=now(),
            container_id=container_id,
        )
        self._set_ended(ended, container_id)

    def _ended(self, code: int) -> None:
        if self.log is not None:
            self.log.close()
            if self.log.lost_bytes:
                self.warn("LogLost", f"{self.log.lost_bytes} bytes of log lost: the disk is full")
        killed = self.container is not None and self.container.oom_killed
        started_at = (
            self.record.state.started_at if isinstance(self.record.state, Running) else now()
        )
        ended = Terminated(
            exit_code=code,
            reason="OOMKilled" if killed else "Completed" if code == 0 else "Error",
            message=self._last_words(code),
            started_at=started_at,
            finished_at=now(),
            container_id=self.record.container_id,
        )
        self.container = None
        self._set_ended(ended, self.record.container_id)

    def _set_ended(self, ended: Terminated, container_id: str) -> None:
        last = self.record.state if isinstance(self.record.state, Terminated) else None
        self.set(
            state=ended,
            last_state=last or self.record.last_state,
            container_id=container_id,
            image_id=self.spec["image"],
            started=False,
            ready=self.record.kind == "init" and ended.exit_code == 0,
        )

    def _last_words(self, code: int) -> str | None:
        with suppress(OSError):
            if self._mount_message is not None:
                with self._mount_message.open("rb") as file:
                    text = file.read(_MESSAGE_BYTES)
                if text:
                    return text.decode(errors="replace")
        if code and self.spec["terminationMessagePolicy"] == "FallbackToLogsOnError" and self.log:
            return self.log.tail(_FALLBACK_LINES, _FALLBACK_BYTES).decode(errors="replace") or None
        return None

    async def _back_off(self) -> None:
        index = min(self.record.restarts, len(_BACK_OFF_SECONDS) - 1)
        seconds = _BACK_OFF_SECONDS[index]
        ended = self.record.state
        if not isinstance(ended, Terminated):
            return
        if seconds:
            metadata = self._view.pod["metadata"]
            where = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
            name = self.spec["name"]
            self.warn("BackOff", f"Back-off restarting failed container {name} in pod {where}")
            message = f"back-off {seconds:.0f}s restarting failed container={name} pod={where}"
            self.set(state=Waiting("CrashLoopBackOff", message), last_state=ended)
            await asyncio.sleep(seconds)
        else:
            self.record = replace(self.record, last_state=ended)

    async def _post_start(self, container: Container) -> None:
        handler = self.spec.get("lifecycle", {}).get("postStart")
        if handler is None:
            return
        problem = await run_handler(self, handler, None)
        if problem is not None:
            self.warn("FailedPostStartHook", f"PostStartHook failed: {problem}")
            container.signal(signal.SIGKILL)

    async def stop(self, grace: float) -> None:
        """End the container: the preStop hook and TERM, KILL after `grace` seconds."""
        self._stopping = True
        container = self.container
        if container is None:
            return
        self.tell("Killing", f"Stopping container {self.spec['name']}")
        ended = asyncio.ensure_future(container.wait())
        term = asyncio.ensure_future(self._ask_to_end(container, grace))
        done, _ = await asyncio.wait({ended}, timeout=grace)
        term.cancel()
        if not done:
            container.signal(signal.SIGKILL)
        code = await ended
        if self.container is not None:
            self._ended(code)

    async def _ask_to_end(self, container: Container, grace: float) -> None:
        handler = self.spec.get("lifecycle", {}).get("preStop")
        if handler is not None:
            problem = await run_handler(self, handler, grace)
            if problem is not None:
                self.warn("FailedPreStopHook", f"PreStopHook failed: {problem}")
        container.signal(signal.SIGTERM)


Stop = Callable[[float], None]


def _policy(spec: Obj, record: ContainerRecord) -> str:
    policy: str = spec.get("restartPolicy", "Always")
    if record.kind == "sidecar":
        return "Always"
    if record.kind == "init" and policy == "Always":
        return "OnFailure"
    return policy


def _restarts(policy: str, code: int) -> bool:
    return policy == "Always" or (policy == "OnFailure" and code != 0)

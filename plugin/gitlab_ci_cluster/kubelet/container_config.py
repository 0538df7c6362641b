"""From a container of a pod to what the runtime is told to start."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from gitlab_ci_cluster.kubelet import security
from gitlab_ci_cluster.kubelet.context import KubeletContext
from gitlab_ci_cluster.kubelet.environment import command_line, environment
from gitlab_ci_cluster.kubelet.records import ContainerRecord
from gitlab_ci_cluster.kubelet.volumes import mounts_of
from gitlab_ci_cluster.objects.meta import Obj, new_uid
from gitlab_ci_cluster.runtimes.interface import ContainerConfig, Mount, PodConfig


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


def make_config(context: KubeletContext, view: PodView, spec: Obj) -> ContainerConfig:
    """Gather all that a container needs.

    Raises:
        ConfigError: it refers to what is not there.
        VolumeError: a volume cannot be shown in it.
    """
    pod, namespace = view.pod, view.config.namespace
    variables = environment(pod, spec, lambda plural, name: context.lookup(namespace, plural, name))
    identifier = new_uid().replace("-", "") + new_uid().replace("-", "")
    mounts = (*view.extra_mounts, *mounts_of(spec, view.volumes, variables))
    if context.runtime.mounts:
        message = message_file(view.config, identifier)
        _make_message_file(message)
        mounts += (Mount(source=message, target=spec["terminationMessagePath"]),)
    return ContainerConfig(
        id=identifier,
        image=spec["image"],
        argv=command_line(spec, variables),
        own_program=bool(spec.get("command")),
        env=variables,
        cwd=spec.get("workingDir"),
        mounts=mounts,
        user=security.user_of(pod, spec, spec["name"]),
        memory_limit=security.memory_limit(spec),
        cpu_limit=security.cpu_limit(spec),
        stdin=bool(spec.get("stdin")),
        tty=bool(spec.get("tty")),
        **security.rights(pod, spec),
    )


def message_file(config: PodConfig, identifier: str) -> Path:
    """Name the file that a run of a container writes its last words to."""
    return config.directory / "messages" / identifier


def _make_message_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(0o666)

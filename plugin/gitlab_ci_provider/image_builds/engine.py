"""What every engine gives for an `ImageBuild`: a container, down to the last argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gitlab_ci_provider.model.image_build import ImageBuild
from gitlab_ci_provider.model.runner_parts import Manifest

PodSecurityLevel = Literal["privileged", "baseline", "restricted"]

LoginsKnown = Literal["of paths", "of paths, to pull", "of registries"]
"""What an engine has logins for: paths of registries, whole registries to push, or only those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a build.

    Attributes:
        where: the field of `ImageBuild`, such as `destinations[1]`.
    """

    where: str
    message: str

    def __str__(self) -> str:
        """`where: message`."""
        return f"{self.where}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContainer:
    """The container that builds an image.

    Attributes:
        command: program and arguments, each a single one; nothing expands them but Kubernetes,
            see `pod_arguments`.
        env: without secrets.
        docker_config: folder in which the engine looks for `config.json`.
        scratch: folder that wants an emptyDir; empty when none does.
        reads: files and folders of the pod's volumes that nothing has to write.
        security: the container's security context, as Kubernetes writes it.
        pod_security: the Pod Security level that the namespace must allow at least.
    """

    command: tuple[str, ...]
    docker_config: str
    security: Manifest
    pod_security: PodSecurityLevel
    env: Mapping[str, str] = field(default_factory=dict)
    scratch: str = ""
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A program that builds images.

    Attributes:
        image: used when the runner names none.
        container: makes the container of a build without problems.
        unsupported: lists what this engine cannot do of a build.
        logins: which ones it tells apart.
    """

    name: str
    image: str
    container: Callable[[ImageBuild], BuildContainer]
    unsupported: Callable[[ImageBuild], tuple[Problem, ...]] = lambda _: ()
    logins: LoginsKnown = "of paths"


def pod_arguments(words: tuple[str, ...]) -> list[str]:
    """Write a command for a pod: Kubernetes would replace `$(NAME)`, and reads `$$` as `$`."""
    return [word.replace("$", "$$") for word in words]

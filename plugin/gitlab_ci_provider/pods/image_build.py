"""What a pod that builds an image has in addition: the engine's container, and its Secret.

The Secret holds the registry's logins (`config.json`) and the values of build secrets. The
container sees them as files; no argument, variable or annotation of the pod holds any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from pathlib import PurePosixPath

from kubernetes import client as k8s

from gitlab_ci_provider.image_builds.engine import BuildContainer, pod_arguments
from gitlab_ci_provider.pods.manifest import from_manifest

BUILD_SECRETS = "/gitlab-ci/build-secrets"
"""Folder of the values of build secrets, each in a file named as its id."""

_CONFIG = "config.json"
_PREFIX = "secret."
_LOGINS_VOLUME, _SECRETS_VOLUME, _SCRATCH_VOLUME = "registry-logins", "build-secrets", "scratch"


def build_secret_file(secret_id: str) -> str:
    """Name the file with the value of a build secret."""
    return f"{BUILD_SECRETS}/{secret_id}"


def secret_name(pod_name: str) -> str:
    """Name the Secret of a pod that builds an image."""
    return f"{pod_name}-build"


def secret_contents(docker_config: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return what the Secret holds: the logins, and values of build secrets by id."""
    return {_CONFIG: docker_config} | {f"{_PREFIX}{key}": value for key, value in values.items()}


def build_secret(pod: k8s.V1Pod, contents: Mapping[str, str]) -> k8s.V1Secret:
    """Build the Secret of a pod."""
    metadata = k8s.V1ObjectMeta(
        name=secret_name(pod.metadata.name),
        namespace=pod.metadata.namespace,
        labels=pod.metadata.labels,
    )
    return k8s.V1Secret(
        api_version="v1",
        kind="Secret",
        metadata=metadata,
        type="Opaque",
        string_data=dict(contents),
    )


def add_build(
    pod: k8s.V1Pod, name: str, build: BuildContainer, secret_ids: Iterable[str]
) -> k8s.V1Pod:
    """Make a container of a pod build an image; what the pod says already stays.

    Args:
        pod: changed in place, as `pod_mutation_hook` may have changed it.
        name: of the container.
        build: what it does.
        secret_ids: of the values in the Secret.
    """
    container = next(found for found in pod.spec.containers if found.name == name)
    program, *arguments = pod_arguments(build.command)
    container.command, container.args = [program], arguments
    own = [k8s.V1EnvVar(name=key, value=value) for key, value in build.env.items()]
    container.env = [*own, *(container.env or [])]
    container.termination_message_policy = "FallbackToLogsOnError"
    if container.security_context is None:
        container.security_context = from_manifest(build.security, "V1SecurityContext")
    given = [_guarded(mount, build) for mount in container.volume_mounts or ()]
    container.volume_mounts = [*given, *_mounts(build, ids := tuple(secret_ids))]
    pod.spec.volumes = [*(pod.spec.volumes or []), *_volumes(pod, build, ids)]
    return pod


def _guarded(mount: k8s.V1VolumeMount, build: BuildContainer) -> k8s.V1VolumeMount:
    """Keep commands of the Dockerfile from writing what the build reads, unless the task says so.

    Kaniko has no other root for them than the container's own. The mount that was given stays: it
    may be that of an init container, too, which writes what is built.
    """
    place = PurePosixPath(mount.mount_path)
    paths = [PurePosixPath(path) for path in build.reads]
    is_read = any(path.is_relative_to(place) or place.is_relative_to(path) for path in paths)
    if mount.read_only is not None or not is_read:
        return mount
    guarded = copy(mount)
    guarded.read_only = True
    return guarded


def _mounts(build: BuildContainer, ids: tuple[str, ...]) -> list[k8s.V1VolumeMount]:
    places = [(_LOGINS_VOLUME, build.docker_config, True)]
    places += [(_SECRETS_VOLUME, BUILD_SECRETS, True)] if ids else []
    places += [(_SCRATCH_VOLUME, build.scratch, False)] if build.scratch else []
    return [
        k8s.V1VolumeMount(name=volume, mount_path=path, read_only=read_only or None)
        for volume, path, read_only in places
    ]


def _volumes(pod: k8s.V1Pod, build: BuildContainer, ids: tuple[str, ...]) -> list[k8s.V1Volume]:
    name = secret_name(pod.metadata.name)
    found = [_volume(_LOGINS_VOLUME, name, {_CONFIG: _CONFIG})]
    if ids:
        found.append(_volume(_SECRETS_VOLUME, name, {f"{_PREFIX}{key}": key for key in ids}))
    if build.scratch:
        found.append(k8s.V1Volume(name=_SCRATCH_VOLUME, empty_dir=k8s.V1EmptyDirVolumeSource()))
    return found


def _volume(name: str, secret: str, files: Mapping[str, str]) -> k8s.V1Volume:
    items = [k8s.V1KeyToPath(key=key, path=path) for key, path in files.items()]
    source = k8s.V1SecretVolumeSource(secret_name=secret, items=items, default_mode=0o444)
    return k8s.V1Volume(name=name, secret=source)

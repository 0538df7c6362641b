"""Kaniko's command line. The flags are those of the kept fork, osscontainertools/kaniko v1.28.3.

Each value is in one argument with its flag, `--flag=value`, so that none can become a flag. Kaniko
runs as root of its container, unpacks the image over its own root, and needs no more than a usual
container may do. A `RUN` of the Dockerfile sees what Kaniko sees, the registry's login among it.
"""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.image_builds.engine import BuildContainer, Engine
from gitlab_ci_provider.image_builds.flags import shared_flags
from gitlab_ci_provider.image_builds.paths import dockerfile_path
from gitlab_ci_provider.model.image_build import ImageBuild

IMAGE = "ghcr.io/osscontainertools/kaniko:v1.28.3-debug"
"""With a shell, which jobs written for GitLab's runner need, too. Pin it by digest."""

EXECUTOR = "/kaniko/executor"

DOCKER_CONFIG = "/kaniko/.docker"

_LOGINS_OF_PATHS = "FF_KANIKO_PATH_SCOPED_REGISTRY_AUTH"
"""Has the executor find the login of a path for every repository; v1.29 does so by itself."""

_CAPABILITIES = (
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
    *("NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETUID", "SYS_CHROOT"),
)
"""For unpacking images of any owner, and for what package managers do in RUN."""


def kaniko_command(build: ImageBuild) -> tuple[str, ...]:
    """Write the command that builds an image, one argument after the other."""
    return (EXECUTOR, *_what(build), *_where_to(build), *_cache(build), *_registries(build))


def _container(build: ImageBuild) -> BuildContainer:
    return BuildContainer(
        command=kaniko_command(build),
        docker_config=DOCKER_CONFIG,
        env={"DOCKER_CONFIG": DOCKER_CONFIG, _LOGINS_OF_PATHS: "true"},
        security={
            "runAsUser": 0,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": list(_CAPABILITIES)},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        pod_security="baseline",
    )


def _what(build: ImageBuild) -> Iterator[str]:
    yield f"--context={build.context}"
    if build.context_sub_path:
        yield f"--context-sub-path={build.context_sub_path}"
    yield f"--dockerfile={dockerfile_path(build)}"
    yield from shared_flags(build)
    if build.platform:
        yield f"--custom-platform={build.platform}"
    if build.snapshot_mode != "full":
        yield f"--snapshot-mode={build.snapshot_mode}"


def _where_to(build: ImageBuild) -> Iterator[str]:
    for destination in build.destinations:
        yield f"--destination={destination}"
    if not build.destinations:
        yield "--no-push"
    yield f"--digest-file={build.digest_file}"
    if build.compression:
        yield f"--compression={build.compression}"
    if build.compression_level is not None:
        yield f"--compression-level={build.compression_level}"
    # zstd has no media type in Docker's own format, which is that of many base images.
    wanted = build.image_format or ("oci" if build.compression == "zstd" else "")
    if wanted:
        yield f"--image-format={wanted}"


def _cache(build: ImageBuild) -> Iterator[str]:
    cache = build.cache
    if cache.enabled:
        yield "--cache=true"
        yield f"--cache-repo={build.cache_repo}"
        if cache.hours:
            yield f"--cache-ttl={cache.hours}h"
        if cache.copy_layers:
            yield "--cache-copy-layers=true"
    if not cache.compressed:
        # In spite of its name, Kaniko heeds it for all layers, with and without a cache.
        yield "--compressed-caching=false"


def _registries(build: ImageBuild) -> Iterator[str]:
    access = build.registries
    for mirror in access.mirrors:
        yield f"--registry-mirror={mirror}"
    for host in access.insecure:
        yield f"--insecure-registry={host}"
    for host in access.skip_tls_verify:
        yield f"--skip-tls-verify-registry={host}"
    for host, path in access.certificates.items():
        yield f"--registry-certificate={host}={path}"
    if build.destinations and access.push_retries:
        yield f"--push-retry={access.push_retries}"
    if access.pull_retries:
        yield f"--image-download-retry={access.pull_retries}"
        yield f"--image-fs-extract-retry={access.pull_retries}"
    if access.ignore_immutable_tags:
        yield "--push-ignore-immutable-tag-errors"


KANIKO = Engine(
    name="kaniko",
    image=IMAGE,
    container=_container,
    logins="of paths, to pull",  # of v1.28; v1.29 pushes with the login of the path, too
)

"""buildah's command line: it builds into its own store, then pushes to each destination.

It runs as root of its container, with `--isolation=chroot`, which keeps a `RUN` apart from it, and
with the storage driver vfs, which needs no mounts. For both, it makes itself a user namespace.
containerd's seccomp profile, RuntimeDefault, forbids that; without any, it is allowed, and Pod
Security `baseline` accepts it, since it refuses only the profile that is named Unconfined.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace

from gitlab_ci_provider.image_builds.checks import only_kaniko
from gitlab_ci_provider.image_builds.engine import BuildContainer, Engine
from gitlab_ci_provider.image_builds.flags import shared_flags
from gitlab_ci_provider.image_builds.links import link_check
from gitlab_ci_provider.image_builds.paths import (
    DIRECTORY,
    context_directory,
    dockerfile_path,
    git_source,
    paths_in_volumes,
)
from gitlab_ci_provider.model.image_build import ImageBuild
from gitlab_ci_provider.model.image_reference import DOCKER_HUB

IMAGE = "quay.io/buildah/stable:latest"
"""Pin it by digest."""

SCRATCH = "/gitlab-ci/buildah"
DOCKER_CONFIG = "/gitlab-ci/docker"

_REGISTRIES = f"{SCRATCH}/registries.conf"
_CERTIFICATES = "/etc/containers/certs.d"
_NAME = "localhost/image-build"
_CLONE = f"{SCRATCH}/context"
_FETCH = """\
git init --quiet {place}
git -C {place} fetch --quiet --depth=1 -- {address} {ref}
git -C {place} checkout --quiet FETCH_HEAD
"""
"""buildah itself clones no tags, and no full names of branches (Debian 12), and follows links."""


_BUILDAH = (
    "buildah",
    f"--root={SCRATCH}/storage",
    f"--runroot={SCRATCH}/run",
    "--storage-driver=vfs",
    f"--registries-conf={_REGISTRIES}",
)
_LONGEST_PAUSE = 60
_TRIES = """\
for pause in {pauses} none; do
  {command} && break
  code=$?
  [ $pause != none ] || exit $code
  echo "trying again in $pause s" >&2
  sleep $pause
done"""
"""buildah's own tries end with the first answer of a registry, even that it is too busy."""

_CAPABILITIES = (
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
    *("NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
)


def buildah_commands(build: ImageBuild) -> Iterator[tuple[str, ...]]:
    """Write the commands that build and push an image, one argument after the other."""
    build = _of_clone(build)
    yield (*_BUILDAH, "build", *_flags(build), "--", context_directory(build))
    for number, destination in enumerate(build.destinations):
        digest = () if number else (f"--digestfile={build.digest_file}",)
        yield (*_BUILDAH, "push", *digest, *_push_flags(build), _NAME, f"docker://{destination}")


def registries_conf(build: ImageBuild) -> str:
    """Write what buildah must know of registries, in TOML."""
    access = build.registries
    text = f"unqualified-search-registries = {json.dumps([DOCKER_HUB])}\n"
    for host in sorted({*access.insecure, *access.skip_tls_verify}):
        text += f"[[registry]]\nlocation = {json.dumps(host)}\ninsecure = true\n"
    if access.mirrors:
        text += f"[[registry]]\nlocation = {json.dumps(DOCKER_HUB)}\n"
    for mirror in access.mirrors:
        insecure = mirror.partition("/")[0] in {*access.insecure, *access.skip_tls_verify}
        text += f"[[registry.mirror]]\nlocation = {json.dumps(mirror)}\n"
        text += f"insecure = {json.dumps(insecure)}\n"
    return text


def _container(build: ImageBuild) -> BuildContainer:
    return BuildContainer(
        command=("sh", "-c", _script(build)),
        docker_config=DOCKER_CONFIG,
        env={"REGISTRY_AUTH_FILE": f"{DOCKER_CONFIG}/config.json", "BUILDAH_ISOLATION": "chroot"},
        security={
            "runAsUser": 0,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": list(_CAPABILITIES)},
        },
        pod_security="baseline",
        scratch=SCRATCH,
    )


def _script(build: ImageBuild) -> str:
    """Write the shell script; every value in it is quoted."""
    written = (f"printf %s {shlex.quote(registries_conf(build))}", f">{_REGISTRIES}")
    lines = ["set -e", *_source(build), " ".join(written)]
    for host, path in build.registries.certificates.items():
        folder = f"{_CERTIFICATES}/{host}"
        lines.append(shlex.join(["mkdir", "-p", folder]))
        lines.append(shlex.join(["cp", "--", path, f"{folder}/ca.crt"]))
    building, *pushing = (shlex.join(command) for command in buildah_commands(build))
    lines += [building, *(_tries(build, command) for command in pushing)]
    return "\n".join(lines) + "\n"


def _tries(build: ImageBuild, command: str) -> str:
    """Write a command that is tried again, after a second first, and then after twice as long."""
    count = build.registries.push_retries
    pauses = " ".join(str(min(2**number, _LONGEST_PAUSE)) for number in range(count))
    return _TRIES.format(pauses=pauses, command=command) if count else command


def _source(build: ImageBuild) -> Iterator[str]:
    """Write what brings the context, and the check of its links."""
    if context_directory(build):
        yield link_check(paths_in_volumes(build))
        return
    address, ref = git_source(build)
    words = {"address": shlex.quote(address), "ref": shlex.quote(ref or "HEAD")}
    yield _FETCH.format(place=_CLONE, **words)
    yield link_check(paths_in_volumes(_of_clone(build)), _CLONE)


def _of_clone(build: ImageBuild) -> ImageBuild:
    """Read a context of git from its clone."""
    here = context_directory(build)
    return build if here else replace(build, context=f"{DIRECTORY}{_CLONE}")


def _flags(build: ImageBuild) -> Iterator[str]:
    yield "--isolation=chroot"
    yield f"--file={dockerfile_path(build)}"
    yield f"--tag={_NAME}"
    yield from shared_flags(build)
    if build.platform:
        yield f"--platform={build.platform}"
    if build.image_format:
        yield f"--format={build.image_format}"
    yield f"--retry={build.registries.pull_retries}"
    yield from _cache(build)


def _cache(build: ImageBuild) -> Iterator[str]:
    if not build.cache.enabled:
        return
    yield "--layers"
    yield f"--cache-from={build.cache_repo}"
    yield f"--cache-to={build.cache_repo}"
    if build.cache.hours:
        yield f"--cache-ttl={build.cache.hours}h"


def _push_flags(build: ImageBuild) -> Iterator[str]:
    yield "--retry=0"
    if build.compression:
        yield f"--compression-format={build.compression}"
    if build.compression_level is not None:
        yield f"--compression-level={build.compression_level}"


BUILDAH = Engine(
    name="buildah",
    image=IMAGE,
    container=_container,
    unsupported=lambda build: tuple(only_kaniko(build, "buildah")),
)

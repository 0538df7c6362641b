"""Paths of a build: where its Dockerfile is, and which paths belong to the pod."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import join, normpath

from gitlab_ci_provider.model.image_build import ImageBuild

DIRECTORY = "dir://"

RESERVED = (
    *("/dev", "/gitlab-ci", "/kaniko", "/proc", "/run", "/sys", "/var/run"),
    *("/etc", "/root/.docker", "/home/user/.docker"),
)
"""Where logins, tokens and devices are; no context or Dockerfile may be there, or hold them."""


def context_directory(build: ImageBuild) -> str:
    """Return the folder of a `dir://` context; empty for every other one."""
    if not build.context.startswith(DIRECTORY):
        return ""
    return normpath(join(build.context.removeprefix(DIRECTORY), build.context_sub_path))


def dockerfile_path(build: ImageBuild) -> str:
    """Return the path of the Dockerfile: absolute where the context is a folder of the pod."""
    directory = context_directory(build)
    return join(directory, build.dockerfile) if directory else build.dockerfile


def git_address(build: ImageBuild) -> str:
    """Write a `git://` context as Docker's tools read it: `https://HOST/PATH.git#REF:FOLDER`.

    They take an address that ends otherwise for an archive; git's servers know both names.
    """
    address, ref = git_source(build)
    address = f"{address.rstrip('/').removesuffix('.git')}.git"
    folder = f":{build.context_sub_path}" if build.context_sub_path else ""
    return f"{address}#{ref}{folder}" if ref or folder else address


def git_source(build: ImageBuild) -> tuple[str, str]:
    """Return the address and the ref or commit of a `git://` context; the latter may be empty."""
    address, _, rest = build.context.removeprefix("git://").partition("#")
    ref, _, sha = rest.partition("#")
    return f"https://{address}", sha or ref


def paths_in_volumes(build: ImageBuild) -> Iterator[str]:
    """List the files and folders of a build that only a volume can hold."""
    if directory := context_directory(build):
        yield directory
        yield dockerfile_path(build)
    given = (*(secret.file for secret in build.secrets), *build.registries.certificates.values())
    for path in filter(None, given):
        if not any(PurePosixPath(path).is_relative_to(place) for place in RESERVED):
            yield path  # the others are the pod's own, as is said openly


def is_reserved(path: str) -> bool:
    """Return whether a path is one of the pod's own, or a folder above one."""
    folder = normpath(path)
    return folder in {"/", "//"} or any(
        f"{folder}/".startswith(f"{reserved}/") or f"{reserved}/".startswith(f"{folder}/")
        for reserved in RESERVED
    )

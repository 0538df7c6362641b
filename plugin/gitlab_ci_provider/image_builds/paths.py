"""Paths of a build: where its Dockerfile is, and which paths belong to the pod."""

from __future__ import annotations

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
    """Write a `git://` context as Docker's tools read it: `https://HOST/PATH#REF:FOLDER`."""
    address, _, rest = build.context.removeprefix("git://").partition("#")
    ref, _, sha = rest.partition("#")
    folder = f":{build.context_sub_path}" if build.context_sub_path else ""
    fragment = f"{sha or ref}{folder}"
    return f"https://{address}#{fragment}" if fragment else f"https://{address}"


def is_reserved(path: str) -> bool:
    """Return whether a path is one of the pod's own, or a folder above one."""
    folder = normpath(path)
    return folder in {"/", "//"} or any(
        f"{folder}/".startswith(f"{reserved}/") or f"{reserved}/".startswith(f"{folder}/")
        for reserved in RESERVED
    )

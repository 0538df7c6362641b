"""What is wrong with a build, all at once, before a pod is made for it.

Authors of pipelines are hostile: each value must be what its flag takes, so that it can neither
become a flag nor a second value of a list, and no path leads to what belongs to the pod.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from posixpath import normpath
from typing import get_args
from urllib.parse import urlsplit

from gitlab_ci_provider.image_builds.engine import Problem
from gitlab_ci_provider.image_builds.paths import context_directory, dockerfile_path, is_reserved
from gitlab_ci_provider.model.image_build import (
    BuildSecret,
    Compression,
    ImageBuild,
    ImageFormat,
    SnapshotMode,
)
from gitlab_ci_provider.model.image_reference import is_registry, parse_reference
from gitlab_ci_provider.model.quoted import quoted

MAX_RETRIES = 20

_CONTEXT = re.compile(
    r"(?:dir|tar):///[^#]*"
    r"|git://[A-Za-z0-9][A-Za-z0-9.:-]*/[^#]+(?:#[^#]*){0,2}"
    r"|(?:s3|gs)://[A-Za-z0-9][A-Za-z0-9._-]*/[^#?]+"
    r"|https://[a-z0-9]+\.blob\.core\.(?:windows\.net|chinacloudapi\.cn|cloudapi\.de|"
    r"usgovcloudapi\.net)/[^#?]+"
)
_FORMS = "dir:///, tar:///, git://, s3://, gs:// or https://ACCOUNT.blob.core.windows.net/"
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_STAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SECRET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9]+(?:/[a-z0-9.]+)?")
_PATH = re.compile(r"[^\s,=\"'\\]+")


def problems(build: ImageBuild) -> tuple[Problem, ...]:
    """List all that is wrong with a build, whatever its engine."""
    return (
        *_context(build),
        *_dockerfile(build),
        *_destinations(build),
        *_simple(build),
        *_arguments(build),
        *(
            found
            for number, secret in enumerate(build.secrets)
            for found in _secret(number, secret)
        ),
        *_cache(build),
        *_registries(build),
    )


def only_kaniko(build: ImageBuild, engine: str) -> Iterator[Problem]:
    """List what a build wants that no other engine than Kaniko does."""
    if not build.context.startswith(("dir://", "git://")):
        yield Problem(where="context", message=f"{engine} reads dir:// and git:// only")
    if build.snapshot_mode != "full":
        yield Problem(where="snapshot_mode", message=f"{engine} takes no snapshots")
    if build.cache.compressed:
        words = f"{engine} holds no packed layers in memory"
        yield Problem(where="cache.compressed", message=words)
    if build.registries.ignore_immutable_tags:
        words = f"{engine} cannot go on when a tag cannot be changed"
        yield Problem(where="registries.ignore_immutable_tags", message=words)


def _context(build: ImageBuild) -> Iterator[Problem]:
    context, sub_path = build.context, build.context_sub_path
    if not _printable(context) or not _CONTEXT.fullmatch(context):
        if "@" in _authority(context):
            yield Problem(where="context", message="holds a login, which would be in every log")
        else:
            words = f"{quoted(context)!r} is not of the form {_FORMS}"
            yield Problem(where="context", message=words)
    elif (directory := context_directory(build)) and is_reserved(directory):
        yield Problem(where="context", message=f"{directory!r} holds what belongs to the pod")
    if sub_path and (not _is_path(sub_path) or _leaves(sub_path)):
        words = f"{quoted(sub_path)!r} is not a folder inside the context"
        yield Problem(where="context_sub_path", message=words)


def _dockerfile(build: ImageBuild) -> Iterator[Problem]:
    name = build.dockerfile
    if not name or not _is_path(name):
        words = f"{quoted(name)!r} is not a path"
        yield Problem(where="dockerfile", message=words)
    elif not name.startswith("/") and _leaves(name):
        words = f"{quoted(name)!r} is not inside the context: give its absolute path"
        yield Problem(where="dockerfile", message=words)
    elif name.startswith("/") and is_reserved(dockerfile_path(build)):
        yield Problem(where="dockerfile", message=f"{quoted(name)!r} belongs to the pod")


def _destinations(build: ImageBuild) -> Iterator[Problem]:
    for number, text in enumerate(build.destinations):
        where = f"destinations[{number}]"
        reference = parse_reference(text)
        if reference is None:
            words = f"{quoted(text)!r} is not the name of an image, such as HOST/GROUP/APP:TAG"
            yield Problem(where=where, message=words)
        elif reference.digest:
            yield Problem(where=where, message=f"{quoted(text)!r} has a digest: push a tag")


def _simple(build: ImageBuild) -> Iterator[Problem]:
    if build.target and not _STAGE.fullmatch(build.target):
        yield Problem(where="target", message=f"{quoted(build.target)!r} is not a stage's name")
    if build.platform and not _PLATFORM.fullmatch(build.platform):
        words = f"{quoted(build.platform)!r} is not OS/ARCH: one build makes one platform"
        yield Problem(where="platform", message=words)
    yield from _one_of("snapshot_mode", build.snapshot_mode, get_args(SnapshotMode))
    yield from _one_of("compression", build.compression, get_args(Compression))
    yield from _one_of("image_format", build.image_format, get_args(ImageFormat))
    if build.compression == "zstd" and build.image_format == "docker":
        words = "zstd needs `image_format: oci`; Docker's format has no name for it"
        yield Problem(where="compression", message=words)
    level = build.compression_level
    if level is not None and not -1 <= level <= 22:
        yield Problem(where="compression_level", message=f"{level} is not between -1 and 22")
    if not build.digest_file.startswith("/") or not _is_path(build.digest_file):
        words = f"{quoted(build.digest_file)!r} is not an absolute path"
        yield Problem(where="digest_file", message=words)


def _one_of(where: str, value: str, known: tuple[str, ...]) -> Iterator[Problem]:
    if value not in known:
        listed = ", ".join(word for word in known if word)
        yield Problem(where=where, message=f"{quoted(value)!r} is none of {listed}")


def _arguments(build: ImageBuild) -> Iterator[Problem]:
    for name, value in build.build_args.items():
        where = f"build_args[{quoted(name)}]"
        if not _ARGUMENT.fullmatch(name):
            yield Problem(where=where, message="is not the name of a build argument")
        if "\0" in value:
            yield Problem(where=where, message="its value holds a NUL character")
    for name, value in build.labels.items():
        where = f"labels[{quoted(name)}]"
        if not _LABEL.fullmatch(name):
            yield Problem(where=where, message="is not the name of a label")
        if not _printable(value):
            yield Problem(where=where, message="its value holds control characters")


def _secret(number: int, secret: BuildSecret) -> Iterator[Problem]:
    where = f"secrets[{number}]"
    if not _SECRET.fullmatch(secret.id):
        yield Problem(where=where, message=f"{quoted(secret.id)!r} is not the id of a secret")
    if bool(secret.file) == bool(secret.variable):
        yield Problem(where=where, message="needs either a file or a variable")
    elif secret.variable and not _ARGUMENT.fullmatch(secret.variable):
        words = f"{quoted(secret.variable)!r} is not the name of a variable"
        yield Problem(where=where, message=words)
    elif secret.file and not _is_absolute(secret.file):
        words = f"{quoted(secret.file)!r} is not an absolute path without commas and blanks"
        yield Problem(where=where, message=words)


def _cache(build: ImageBuild) -> Iterator[Problem]:
    cache = build.cache
    if cache.repo:
        reference = parse_reference(cache.repo)
        if reference is None or reference.tag or reference.digest:
            words = f"{quoted(cache.repo)!r} is not a repository, such as HOST/GROUP/APP/cache"
            yield Problem(where="cache.repo", message=words)
    elif cache.enabled and not build.destinations:
        yield Problem(where="cache.repo", message="must be given when nothing is pushed")
    if cache.hours < 0:
        yield Problem(where="cache.hours", message=f"{cache.hours} is negative")


def _registries(build: ImageBuild) -> Iterator[Problem]:
    access = build.registries
    for number, mirror in enumerate(access.mirrors):
        host, _, path = mirror.partition("/")
        if not is_registry(host) or (path and not parse_reference(path)):
            words = f"{quoted(mirror)!r} is not HOST[:PORT][/PATH]"
            yield Problem(where=f"registries.mirrors[{number}]", message=words)
    yield from _each("registries.insecure", access.insecure, is_registry)
    yield from _each("registries.skip_tls_verify", access.skip_tls_verify, is_registry)
    yield from _each("registries.certificates", access.certificates, is_registry)
    for host, path in access.certificates.items():
        if not _is_absolute(path):
            words = f"{quoted(path)!r} is not an absolute path"
            yield Problem(where=f"registries.certificates[{quoted(host)}]", message=words)
    for where, count in (("push", access.push_retries), ("pull", access.pull_retries)):
        if not 0 <= count <= MAX_RETRIES:
            words = f"{count} is not between 0 and {MAX_RETRIES}"
            yield Problem(where=f"registries.{where}_retries", message=words)


def _each(where: str, hosts: Iterable[str], accepts: Callable[[str], bool]) -> Iterator[Problem]:
    for number, host in enumerate(hosts):
        if not accepts(host):
            yield Problem(
                where=f"{where}[{number}]", message=f"{quoted(host)!r} is not HOST[:PORT]"
            )


def _authority(text: str) -> str:
    """Return what is between `://` and the next `/`; empty when the text is not an address."""
    try:
        return urlsplit(text).netloc
    except ValueError:
        return ""


def _is_path(text: str) -> bool:
    """Return whether a text can be a path in a flag's value and in a list of values."""
    return bool(_PATH.fullmatch(text)) and _printable(text) and not text.startswith("-")


def _is_absolute(text: str) -> bool:
    return text.startswith("/") and _is_path(text) and ".." not in text.split("/")


def _leaves(path: str) -> bool:
    """Return whether a relative path leads out of its folder."""
    return path.startswith("/") or normpath(path).split("/")[0] == ".."


def _printable(text: str) -> bool:
    return text.isprintable()

"""Rootless BuildKit's command line: `buildctl-daemonless.sh`, which starts a daemon for one build.

Unlike Kaniko, it keeps a `RUN` apart from itself, for which it needs what Pod Security forbids
except at the level `privileged`: no seccomp and AppArmor profile, and programs that gain rights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from posixpath import split

from gitlab_ci_provider.image_builds.checks import only_kaniko
from gitlab_ci_provider.image_builds.engine import BuildContainer, Engine, Problem
from gitlab_ci_provider.image_builds.links import link_check
from gitlab_ci_provider.image_builds.paths import (
    context_directory,
    dockerfile_path,
    git_address,
    paths_in_volumes,
)
from gitlab_ci_provider.model.image_build import BuildSecret, ImageBuild, RegistryAccess
from gitlab_ci_provider.model.image_reference import DOCKER_HUB, parse_reference

IMAGE = "moby/buildkit:rootless"
"""Pin it by digest."""

HOME = "/home/user"
DOCKER_CONFIG = f"{HOME}/.docker"
SCRATCH = f"{HOME}/.local/share/buildkit"

_CONFIG = "/tmp/buildkitd.toml"  # noqa: S108 - of the container
_METADATA = "/tmp/metadata.json"  # noqa: S108 - of the container

_TRIES = "60"
"""In which the daemon must answer: three quarters of a minute, where it has two seconds else."""

_SCRIPT = """\
{check}\
printf '%s' "$1" >{config}
digest=$2
shift 2
buildctl-daemonless.sh build "$@" || exit
sed -n 's/.*"containerimage.digest": *"\\([^"]*\\)".*/\\1/p' {metadata} >"$digest"
"""


def buildkit_command(build: ImageBuild) -> tuple[str, ...]:
    """Write the flags of `buildctl build`, one argument after the other."""
    access = tuple(_token_servers(build.registries))
    return (*_sources(build), *_options(build), *_output(build), *_cache(build), *access)


def buildkitd_config(build: ImageBuild) -> str:
    """Write what the daemon must know of registries, in TOML."""
    access = build.registries
    hosts = {*access.insecure, *access.skip_tls_verify, *access.certificates, *_written(build)}
    hosts |= {DOCKER_HUB} if access.mirrors else set()
    return "".join(_registry(host, access) for host in sorted(hosts))


def _written(build: ImageBuild) -> Iterator[str]:
    """Name the registries that the build writes to."""
    for name in (*build.destinations, build.cache_repo):
        reference = parse_reference(name)
        if reference and reference.registry != DOCKER_HUB:
            yield reference.registry


def _registry(host: str, access: RegistryAccess) -> str:
    # Without the word `http`, it speaks plain HTTP with what is on its own machine.
    lines = [f"[registry.{json.dumps(host)}]", f"http = {json.dumps(host in access.insecure)}"]
    if host == DOCKER_HUB and access.mirrors:
        lines.append(f"mirrors = {_list(access.mirrors)}")
    if host in access.skip_tls_verify:
        lines.append("insecure = true")
    if host in access.certificates:
        lines.append(f"ca = {_list((access.certificates[host],))}")
    return "\n".join(lines) + "\n"


def _container(build: ImageBuild) -> BuildContainer:
    script = _SCRIPT.format(
        check=link_check(paths_in_volumes(build)), config=_CONFIG, metadata=_METADATA
    )
    values = (buildkitd_config(build), build.digest_file)
    return BuildContainer(
        command=("sh", "-c", script, "buildkit", *values, *buildkit_command(build)),
        docker_config=DOCKER_CONFIG,
        env={
            "DOCKER_CONFIG": DOCKER_CONFIG,
            "BUILDKITD_FLAGS": f"--oci-worker-no-process-sandbox --config={_CONFIG}",
            "BUILDCTL_CONNECT_RETRIES_MAX": _TRIES,
        },
        security={
            "runAsUser": 1000,
            "runAsGroup": 1000,
            "allowPrivilegeEscalation": True,
            "seccompProfile": {"type": "Unconfined"},
            "appArmorProfile": {"type": "Unconfined"},
        },
        pod_security="privileged",
        scratch=SCRATCH,
    )


def _sources(build: ImageBuild) -> Iterator[str]:
    yield "--frontend=dockerfile.v0"
    directory = context_directory(build)
    if directory:
        folder, name = split(dockerfile_path(build))
        yield f"--local=context={directory}"
        yield f"--local=dockerfile={folder}"
        yield f"--opt=filename={name}"
    else:
        yield f"--opt=context={git_address(build)}"
        yield f"--opt=filename={build.dockerfile}"


def _options(build: ImageBuild) -> Iterator[str]:
    if build.target:
        yield f"--opt=target={build.target}"
    for name, value in build.build_args.items():
        yield f"--opt=build-arg:{name}={value}"
    for name, value in build.labels.items():
        yield f"--opt=label:{name}={value}"
    if build.platform:
        yield f"--opt=platform={build.platform}"
    for secret in build.secrets:
        yield f"--secret={_secret(secret)}"


def _secret(secret: BuildSecret) -> str:
    if secret.variable:
        return f"type=env,id={secret.id},env={secret.variable}"
    return f"type=file,id={secret.id},src={secret.file}"


def _output(build: ImageBuild) -> Iterator[str]:
    yield f"--metadata-file={_METADATA}"
    yield "--progress=plain"
    words = ["type=image"]
    if build.destinations:
        words += [f'"name={",".join(build.destinations)}"', "push=true"]
    if build.compression:
        words += [f"compression={build.compression}", "force-compression=true"]
    if build.compression_level is not None:
        words.append(f"compression-level={build.compression_level}")
    if build.image_format or build.compression == "zstd":
        words.append(f"oci-mediatypes={str(build.image_format != 'docker').lower()}")
    yield f"--output={','.join(words)}"


def _cache(build: ImageBuild) -> Iterator[str]:
    if build.cache.enabled:
        repo = f"type=registry,ref={build.cache_repo}"
        yield f"--import-cache={repo}"
        yield f"--export-cache={repo},mode={'max' if build.cache.copy_layers else 'min'}"


def _token_servers(access: RegistryAccess) -> Iterator[str]:
    """Have the client, which fetches tokens, trust the same as the daemon."""
    for host, path in access.certificates.items():
        yield f"--registry-auth-tlscontext=host={host},ca={path}"
    for host in access.skip_tls_verify:
        yield f"--registry-auth-tlscontext=host={host},insecure=true"


def _list(texts: tuple[str, ...]) -> str:
    return json.dumps(list(texts))


def _unsupported(build: ImageBuild) -> tuple[Problem, ...]:
    found = [*only_kaniko(build, "BuildKit")]
    if build.cache.enabled and build.cache.hours:
        words = "BuildKit keeps cached layers until they are deleted"
        found.append(Problem(where="cache.hours", message=words))
    return tuple(found)


BUILDKIT = Engine(
    name="buildkit",
    image=IMAGE,
    container=_container,
    unsupported=_unsupported,
    logins="of registries",
)

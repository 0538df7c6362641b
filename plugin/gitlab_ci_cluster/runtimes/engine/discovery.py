"""Where a container engine may be: sockets of this machine, and a service that we can start."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

EngineName = Literal["docker", "podman"]

_UNIX = "unix://"
_OCI_RUNTIMES = ("crun", "runc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An engine that may be there.

    Attributes:
        where: for a person.
        command: runs its service on the socket; empty where it runs already.
    """

    where: str
    socket: Path
    command: tuple[str, ...] = ()


def candidates(environment: Mapping[str, str], own_socket: Path) -> Iterator[Candidate]:
    """List where to look for an engine: what the user names, running services, then our own.

    Args:
        environment: of this process.
        own_socket: where a service that we start is to listen.
    """
    named = environment.get("DOCKER_HOST", "")
    if named.startswith(_UNIX):
        path = Path(named.removeprefix(_UNIX))
        yield Candidate(where=f"DOCKER_HOST ({path})", socket=path)
        return
    for path in _sockets(environment):
        if path.is_socket() and os.access(path, os.R_OK | os.W_OK):
            yield Candidate(where=str(path), socket=path)
    podman = shutil.which("podman", path=environment.get("PATH", ""))
    if podman:
        known = [name for name in _OCI_RUNTIMES if shutil.which(name, path=environment["PATH"])]
        yield from _own_services(podman, own_socket, known)


def remote_host(environment: Mapping[str, str]) -> str | None:
    """Return a DOCKER_HOST that cannot be used: volumes are directories of this machine."""
    named = environment.get("DOCKER_HOST", "")
    return named if named and not named.startswith(_UNIX) else None


def _sockets(environment: Mapping[str, str]) -> Iterator[Path]:
    yield Path("/var/run/docker.sock")
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    yield Path(runtime) / "docker.sock"
    yield Path(runtime) / "podman" / "podman.sock"
    yield Path("/run/podman/podman.sock")


def _own_services(podman: str, socket: Path, runtimes: Sequence[str]) -> Iterator[Candidate]:
    """As configured first; then with each OCI runtime, of which not every one works everywhere."""
    serve = ("system", "service", "--time=0", f"{_UNIX}{socket}")
    yield Candidate(where="podman system service", socket=socket, command=(podman, *serve))
    for name in runtimes:
        yield Candidate(
            where=f"podman --runtime {name} system service",
            socket=socket,
            command=(podman, "--runtime", name, *serve),
        )

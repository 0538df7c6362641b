"""A Podman for tests: a storage and a configuration of its own, and a registry for each name.

Nothing of the machine's own Podman is read or changed: neither its images nor its locks.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clusters.images import make_job_images
from processes.waiting import PATIENCE

HERE = Path(__file__).parent
RECORDED = ("docker.io/library/busybox:1.35", "local.test/py:1")
"""The images of the recordings, which were there before they were made."""

CACHE = Path.home() / ".cache" / "gitlab-ci-provider-tests" / "engines"
PACKAGES = ("git", "git-lfs", "python3", "ca-certificates", "procps")

_DATABASE = (
    "install -d -o postgres /tmp/db && cd /usr/lib/postgresql/15/bin && exec "
    "setpriv --reuid=postgres --regid=postgres --clear-groups sh -c "
    "'./initdb -D /tmp/db -A trust >/dev/null && exec ./postgres -D /tmp/db -k /tmp -h 127.0.0.1'"
)
_CONTAINERS = """[engine]
lock_type = "file"
tmp_dir = "{folder}/libpod"
events_logger = "none"
runtime = "{runtime}"
[containers]
log_size_max = 8192
"""
_STORAGE = """[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""
_REGISTRIES = """unqualified-search-registries = ["docker.io"]
"""
_MIRROR = """[[registry]]
prefix = "{name}"
location = "{registry}"
insecure = true
"""
_SERVED = ("docker.io", "ghcr.io", "quay.io", "*.example.com", "local.test")


def why_not() -> str:
    """Say why there can be no Podman for tests on this machine; empty if there can."""
    if os.geteuid() != 0:
        return "its images are made by debootstrap, which needs root"
    missing = [name for name in ("podman", "debootstrap", "busybox") if not shutil.which(name)]
    return f"this machine has no {', '.join(missing)}" if missing else ""


@dataclass(frozen=True)
class Podman:
    """A storage with its registry.

    Attributes:
        environment: what makes a process use it.
        registry: address of the registry, which serves each image by every name.
    """

    folder: Path
    environment: dict[str, str]
    registry: str

    @property
    def images(self) -> Path:
        """The folder that the registry serves."""
        return self.folder / "images"

    def run(self, *arguments: str, data: bytes | None = None) -> str:
        """Run a command of Podman; return what it wrote."""
        done = subprocess.run(
            ["podman", *arguments],
            env={**os.environ, **self.environment},
            input=data,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()


@contextmanager
def podman(folder: Path) -> Iterator[Podman]:
    """Make a Podman in a folder, and take all of it away afterwards."""
    folder.mkdir(parents=True)
    _build()
    make_job_images(CACHE, folder)
    registry = f"127.0.0.1:{_free_port()}"
    made = Podman(folder, _configure(folder, registry), registry)
    server = subprocess.Popen(
        [sys.executable, "-m", "clusters.registry", registry, str(folder)],
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for image in RECORDED:
            made.run("pull", "--quiet", image)
        yield made
        assert made.run("ps", "--all", "--quiet") == "", "a container was left behind"
    finally:
        server.kill()
        server.wait(PATIENCE)
        made.run("system", "reset", "--force")
        _unmount(folder / "storage" / "overlay")


def import_database(engine: Podman) -> str:
    """Make an image of Debian's PostgreSQL, which listens on $PGPORT; gives its name."""
    tar = CACHE / "postgres.tar"
    subprocess.run([HERE / "debian", tar, "postgresql"], check=True)
    name = "localhost/postgres:15"
    command = ["sh", "-c", _DATABASE]
    engine.run("import", "--quiet", "--change", f"CMD {json.dumps(command)}", str(tar), name)
    return name


def make_buildah() -> Path:
    """Make, once, the root of an image with Debian's buildah."""
    tar = CACHE / "buildah-git.tar"
    packages = ("buildah", "netavark", "crun", "ca-certificates", "git")
    subprocess.run([HERE / "debian", tar, *packages], check=True)
    return tar


def make_rootless() -> Path:
    """Make, once, the root of an image with what BuildKit needs to run without root."""
    tar = CACHE / "rootless-git.tar"
    packages = ("rootlesskit", "runc", "ca-certificates", "git")
    subprocess.run([HERE / "debian", tar, *packages], check=True)
    return tar


def _unmount(overlay: Path) -> None:
    """Undo what the overlay driver leaves: its folder mounted on itself.

    Two processes that started at once have mounted it twice. `Path.is_mount` does not see a mount
    of a folder on itself.
    """
    while f" {overlay} " in Path("/proc/self/mounts").read_text():
        subprocess.run(["umount", overlay], check=True)


def _build() -> None:
    """Make, once for all tests, what images are made of."""
    (CACHE / "bin").mkdir(parents=True, exist_ok=True)
    subprocess.run([HERE / "debian", CACHE / "debian.tar", *PACKAGES], check=True)
    busybox = shutil.which("busybox")
    assert busybox
    shutil.copy(busybox, CACHE / "bin" / "busybox")


def _configure(folder: Path, registry: str) -> dict[str, str]:
    """Write configuration files; gives the variables that name them.

    They say where things lie, and set a limit that no log of a job may come to.
    """
    served = (*_SERVED, registry)
    mirrors = [_MIRROR.format(name=name, registry=registry) for name in served]
    files = {
        "CONTAINERS_CONF": _CONTAINERS.format(folder=folder, runtime=_oci_runtime()),
        "CONTAINERS_STORAGE_CONF": _STORAGE.format(folder=folder),
        "CONTAINERS_REGISTRIES_CONF": _REGISTRIES + "".join(mirrors),
    }
    for name, text in files.items():
        (folder / f"{name.lower()}.conf").write_text(text)
    return {name: str(folder / f"{name.lower()}.conf") for name in files}


def _oci_runtime() -> str:
    """Name what runs containers here: crun cannot where cgroups are of both versions."""
    hybrid = Path("/sys/fs/cgroup/unified").is_dir()
    return "runc" if hybrid or not shutil.which("crun") else "crun"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])

"""Pods in images by a rootless Podman, of a user whom the tests make (`--engine`)."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from integration.cluster.support import (
    MODULE,
    ROOT,
    EmbeddedCluster,
    has_ended,
    is_running,
    pod,
    processes_with,
    start_cluster,
    state_of,
)
from processes.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.embedded("it is about a runtime of that cluster")

PROGRAMS = ("podman", "newuidmap", "useradd", "userdel", "runuser", "busybox")
IMAGE = "localhost/small:1"
APPLETS = ("sh", "cat", "echo", "id", "seq", "sleep", "touch", "true")
SHARED = {"image": IMAGE, "volumeMounts": [{"name": "ws", "mountPath": "/ws"}]}
VOLUMES = {"volumes": [{"name": "ws", "emptyDir": {}}]}


@dataclass(frozen=True)
class Person:
    """A user of this machine without any rights.

    Attributes:
        python: an interpreter that the user may run, of the version of the tests' own.
    """

    name: str
    home: Path
    python: str

    @property
    def environment(self) -> dict[str, str]:
        """What the user's shell would have, and where our packages are."""
        packages = [str(ROOT / "plugin"), *(path for path in sys.path if "site-packages" in path)]
        return {
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home / "runtime"),
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "PYTHONPATH": ":".join(packages),
        }

    def command(self, *words: str) -> list[str]:
        """Have a command run as this user, in the user's environment."""
        given = [f"{name}={value}" for name, value in self.environment.items()]
        return ["runuser", "-u", self.name, "--", "env", "-i", "-C", str(self.home), *given, *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command as this user."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=False)

    def processes(self) -> list[str]:
        """List the user's processes; not the one with which Podman keeps the user's namespace."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                mine = folder.stat().st_uid == pwd.getpwnam(self.name).pw_uid
                title = (folder / "cmdline").read_bytes().decode().replace("\0", " ")
                name = (folder / "comm").read_text().strip()
            except OSError:
                continue
            if mine and title and name not in {"catatonit", "podman pause"}:
                found.append(title)
        return found


@pytest.fixture(scope="module")
def person(pytestconfig: pytest.Config) -> Iterator[Person]:
    """A new user, who has a range in /etc/subuid as Debian gives one, and an image."""
    if not pytestconfig.option.engine:
        pytest.skip("needs --engine")
    if reason := _why_not():
        pytest.skip(f"no rootless Podman here: {reason}")
    # pytest's own folders are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="gitlab-ci-rootless-"))
    folder.chmod(0o755)
    with _user(f"gitlab-ci-{os.getpid()}", folder / "home") as made:
        tried = made.run("podman", "unshare", "true")
        if tried.returncode != 0:
            pytest.skip(f"no rootless Podman here: {tried.stderr.strip()}")
        _import_image(made, folder)
        yield made
    shutil.rmtree(folder)


def _why_not() -> str:
    if os.geteuid() != 0:
        return "only root can make a user"
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    return f"this machine has no {', '.join(missing)}" if missing else ""


@contextmanager
def _user(name: str, home: Path, *options: str) -> Iterator[Person]:
    """Make a user, and remove all that the user has left."""
    subprocess.run(["useradd", "--create-home", "--home-dir", home, *options, name], check=True)
    made = Person(name, home, "")
    try:
        (home / "runtime").mkdir(0o700)
        shutil.chown(home / "runtime", name)
        python = next(filter(partial(_runs, made), _pythons()), "")
        if not python:
            pytest.skip("no rootless Podman here: other users can run no Python of ours")
        yield replace(made, python=python)
    finally:
        made.run("podman", "system", "reset", "--force")
        with suppress(OSError, ValueError):  # keeps the user's namespace open
            os.kill(int((home / "runtime/libpod/tmp/pause.pid").read_text()), signal.SIGKILL)
        lock = Path(f"/dev/shm/libpod_rootless_lock_{pwd.getpwnam(name).pw_uid}")
        lock.unlink(missing_ok=True)
        subprocess.run(["userdel", "--force", name], check=True, capture_output=True)


def _pythons() -> list[str]:
    """List interpreters that can use the tests' packages: ours, and the machine's alike."""
    ours = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return [str(Path(sys.executable).resolve()), f"/usr/bin/{ours}", f"/usr/local/bin/{ours}"]


def _runs(person: Person, python: str) -> bool:
    return person.run(python, "-c", f"import {MODULE}.__main__").returncode == 0


def _import_image(person: Person, folder: Path) -> None:
    busybox = shutil.which("busybox")
    assert busybox
    archive = folder / "small.tar"
    with tarfile.open(archive, "w") as tar:
        for name in APPLETS:
            tar.add(busybox, f"bin/{name}")
    archive.chmod(0o644)
    done = person.run("podman", "import", "--quiet", str(archive), IMAGE)
    assert done.returncode == 0, done.stderr


@contextmanager
def _cluster(person: Person) -> Iterator[EmbeddedCluster]:
    """Run a cluster as that user."""
    folder = Path(tempfile.mkdtemp(dir=person.home))
    shutil.chown(folder, person.name)
    directory = folder / "state"
    words = (person.python, "-m", MODULE, "--dir", str(directory), "--runtime", "podman")
    running = start_cluster(directory, command=person.command(*words))
    try:
        yield running
    finally:
        # runuser passes no signal on.
        (process,) = processes_with(f"{MODULE}\0--dir\0{directory}", user=person.name)
        os.kill(int(process), signal.SIGTERM)
        assert running.process.wait(PATIENCE) == 0
    assert "Traceback" not in running.log.read_text()


def test_pods_run_in_images_without_any_rights(person: Person):
    """Root of a container is the user; volumes are shared; nothing is left afterwards."""
    with _cluster(person) as running:
        api = running.api()
        first = {"name": "first", **SHARED, "command": ["sh", "-c", "id -u >/ws/said"]}
        said = api.output(
            "a", "cat /ws/said; echo also", container=SHARED, initContainers=[first], **VOLUMES
        )
        ended = api.run("b", "exit 3", container={"image": IMAGE})
        (volume,) = running.directory.glob("pods/*/volumes/ws")
        owner = (volume / "said").owner()
        api.close()

    assert said == "0\nalso\n"
    assert owner == person.name
    terminated = state_of(ended)["terminated"]
    assert terminated["exitCode"] == 3, terminated
    assert person.run("podman", "ps", "--all", "--quiet").stdout == ""
    wait_until(lambda: person.processes() == [], "the end of all processes")
    memory = Path("/dev/shm").glob("gitlab-ci-*")
    assert [path for path in memory if path.owner() == person.name] == []


@pytest.mark.parametrize("victim", [0, -1], ids=["parent", "child"])
def test_no_line_is_lost_when_the_engine_of_a_user_is_killed(person: Person, victim: int):
    """As with root's."""
    script = "seq 1 3000; until [ -e /ws/go ]; do sleep 0.02; done; seq 3001 6000; exit 3"
    with _cluster(person) as running:
        api = running.api()
        api.create("pods", pod("a", script, container=SHARED, **VOLUMES))
        api.wait("a", is_running)
        wait_until(lambda: b"\n3000\n" in api.log("a"), "the first half of the output")
        # Podman runs itself again with other rights; of the two, the one that serves is the child.
        services = sorted(map(int, processes_with("system\0service", user=person.name)))
        os.kill(services[victim], signal.SIGKILL)
        (volume,) = running.directory.glob("pods/*/volumes/ws")
        (volume / "go").touch()
        ended = api.wait("a", has_ended)
        lines = api.log("a").decode().splitlines()
        api.close()

    wait_until(lambda: person.processes() == [], "the end of all processes")
    terminated = state_of(ended)["terminated"]
    assert terminated["exitCode"] == 3, terminated
    assert lines == [str(number) for number in range(1, 6001)]

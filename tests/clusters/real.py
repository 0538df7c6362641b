"""Starting a real Kubernetes for tests, built from Debian's source package, on this machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import AF_UNIX, socket

from clusters.images import make_images
from clusters.layout import PREFIX, Layout, build_folder
from clusters.supervisor import CGROUPS, remove_cgroups
from processes.waiting import PATIENCE, wait_until

HERE = Path(__file__).parent
BUILD = HERE.parent / "kubernetes" / "build"


def why_not() -> str:
    """Say why there can be no real Kubernetes on this machine; empty if it can."""
    if os.geteuid() != 0:
        return "only root can run a kubelet"
    missing = [name for name in ("apt-get", "unshare", "ip", "curl") if not shutil.which(name)]
    if missing:
        return f"this machine has no {', '.join(missing)}"
    if not (CGROUPS / "memory" / "cgroup.procs").exists():
        return f"Kubernetes 1.20 needs cgroups of version 1 in {CGROUPS}"
    if subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "true"], check=False
    ).returncode:
        return "this machine allows no new namespaces"
    return ""


@dataclass(frozen=True)
class RealCluster:
    """A running real Kubernetes."""

    layout: Layout
    process: subprocess.Popen[bytes]

    @property
    def kubeconfig(self) -> Path:
        return self.layout.kubeconfig


@contextmanager
def real_cluster() -> Iterator[RealCluster]:
    """Build what is not built yet, start a cluster, and take all of it away afterwards."""
    built = build_folder()
    subprocess.run([BUILD, built], check=True, stdout=subprocess.DEVNULL)
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        make_images(built, folder)
        number, taken = _take_number()
        (folder / "number").write_text(str(number))
        layout = Layout(folder, built, number)
        process = _supervise(layout, lock.fileno())
    cluster, started = RealCluster(layout, process), False
    try:
        wait_until(
            lambda: layout.ready.exists() or process.poll() is not None, "Kubernetes", pause=0.1
        )
        if not layout.ready.exists():
            assert process.stderr
            raise AssertionError(f"Kubernetes did not start: {process.stderr.read().decode()}")
        started = True
        yield cluster
    finally:
        lost = _words_of_lost(process) if started else ""
        assert process.stdin
        process.stdin.close()
        process.wait(PATIENCE)
        taken.close()
        sweep()
        assert not layout.folder.exists()
        assert not lost, lost


def _words_of_lost(process: subprocess.Popen[bytes]) -> str:
    """Say that a cluster has ended before its tests; empty if it has not.

    Its network goes with it: what is then asked at its address may be answered by somebody else,
    such as the proxy of a sandbox, with `CERTIFICATE_VERIFY_FAILED`.
    """
    code = process.poll()
    if code is None:
        return ""
    assert process.stderr
    said = process.stderr.read().decode(errors="replace")
    return f"Kubernetes has ended before its tests (exit code {code}): {said or 'it was killed'}"


def _supervise(layout: Layout, lock: int) -> subprocess.Popen[bytes]:
    """Start the first process of a cluster; it keeps the lock of the folder while it lives."""
    machine = os.open("/proc/self/ns/net", os.O_RDONLY)
    own = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"]
    command = ["unshare", *own, "--propagation", "private"]
    program = [sys.executable, "-m", "clusters.supervisor", str(layout.folder), str(layout.built)]
    try:
        return subprocess.Popen(
            [*command, *program, f"/proc/1/fd/{machine}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[machine, lock],
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
            start_new_session=True,
        )
    finally:
        os.close(machine)


def _take_number() -> tuple[int, socket]:
    """Take a number that no cluster of this machine has, not even one that is about to start.

    The number is free again when the socket is closed.
    """
    used = {path.name for path in Path("/sys/class/net").iterdir()}
    for number in range(1, 250):
        taken = socket(AF_UNIX)
        with suppress(OSError):
            taken.bind(f"\0{PREFIX}{number}")
            if f"gitlabci{number}" not in used:
                return number, taken
        taken.close()
    raise AssertionError("all numbers are taken")


def sweep() -> None:
    """Remove what clusters have left whose first process was killed: folders and cgroups."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError), (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_cgroups(folder.name)
            shutil.rmtree(folder, ignore_errors=True)

"""Process 1 of a real Kubernetes for tests: starts its parts, and takes all of it away at the end.

It runs in process, mount and network namespaces of its own (see `real.py`), so that the kernel
removes every process, mount and interface of the cluster with it, however it ends. What it must
remove itself is its folder and its cgroups; what one that was killed leaves, the next one removes.
Its standard input ends with the process that started it: then the cluster ends, too.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from clusters.layout import Layout
from clusters.parts import ADMIN_TOKEN, PARTS_TOKEN, commands, kubeconfig, write_files

CGROUPS = Path("/sys/fs/cgroup")
LOOK_AGAIN = 0.2
"""Seconds between two looks at what runs."""


class Supervisor:
    """Runs the parts of one cluster; `machine` is a file of the machine's network namespace."""

    def __init__(self, layout: Layout, machine: str) -> None:
        self.layout = layout
        self.machine = machine
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.commands = commands(layout)

    def run(self) -> None:
        """Start everything, keep it running until standard input ends, then remove it."""
        try:
            self._prepare()
            for name in ("registry", "etcd", "containerd", "apiserver"):
                self._start(name)
            self._wait(self._answers, "the API server")
            self._write_kubeconfigs()
            for name in ("controller-manager", "scheduler", "kubelet"):
                self._start(name)
            self._wait(self._node_is_ready, "the node")
            self.layout.ready.touch()
            while not _input_ended(LOOK_AGAIN):
                self._keep_running()
        finally:
            self._remove()

    def _prepare(self) -> None:
        write_files(self.layout)
        key = str(self.layout.folder / "accounts.key")
        _run("openssl", "genrsa", "-out", key, "2048")
        _private_folders(self.layout.folder)
        _network(self.layout, self.machine)
        for hierarchy in CGROUPS.iterdir():
            if (hierarchy / "cgroup.procs").exists():
                (hierarchy / self.layout.name).mkdir(exist_ok=True)
                _inherit_cpuset(hierarchy, self.layout.name)

    def _start(self, name: str) -> None:
        programs = f"{self.layout.built / 'bin'}:{os.environ['PATH']}"
        with (self.layout.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                self.commands[name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": programs},
            )

    def _keep_running(self) -> None:
        """Start what has ended, but for what was asked to be stopped; bury the dead."""
        for name, process in list(self.running.items()):
            if (self.layout.stopped / name).exists():
                process.kill()
                process.wait()
            elif process.poll() is not None:
                self._start(name)
        _reap({process.pid for process in self.running.values()})

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        while not condition():
            for name, process in self.running.items():
                if process.poll() is not None:
                    log = self.layout.folder / f"{name}.log"
                    end = log.read_text(errors="replace")[-3000:]
                    raise SystemExit(f"{name} ended while it started: {end}")
            if _input_ended(LOOK_AGAIN):
                raise SystemExit(f"told to end while waiting for {what}")

    def _answers(self) -> bool:
        return self._ask("/readyz") == "ok"

    def _node_is_ready(self) -> bool:
        answer = self._ask("/api/v1/nodes/node")
        conditions = json.loads(answer)["status"]["conditions"] if answer else []
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
        account = self._ask("/api/v1/namespaces/default/serviceaccounts/default")
        return ready and bool(account)

    def _ask(self, path: str) -> str:
        url = f"{self.layout.server}{path}"
        command = ["curl", "-skf", "-H", f"Authorization: Bearer {PARTS_TOKEN}", url]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def _write_kubeconfigs(self) -> None:
        certificate = (self.layout.folder / "certificates" / "apiserver.crt").read_bytes()
        encoded = base64.b64encode(certificate).decode()
        files = {self.layout.kubeconfig: ADMIN_TOKEN, self.layout.parts_kubeconfig: PARTS_TOKEN}
        for path, token in files.items():
            path.write_text(json.dumps(kubeconfig(self.layout, encoded, token)))

    def _remove(self) -> None:
        """Kill all processes of this namespace but this one, then remove what stays."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        while True:
            try:
                os.wait()
            except ChildProcessError:
                break
        _unmount(self.layout.folder)
        remove_cgroups(self.layout.name)
        if os.environ.get("GITLAB_CI_TESTS_KEEP") != "1":
            shutil.rmtree(self.layout.folder, ignore_errors=True)


def _input_ended(seconds: float) -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1024)


def _reap(known: set[int]) -> None:
    """Bury what has come to process 1, and leave its own children to `Popen`."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in known:
            return
        os.waitpid(ended.si_pid, 0)


def _private_folders(folder: Path) -> None:
    """Give the cluster a /run and a /var of its own: what its parts write there goes with it."""
    _run("mount", "-t", "tmpfs", "tmpfs", "/run")
    upper, work = folder / "var", folder / "var.work"
    upper.mkdir()
    work.mkdir()
    layers = f"lowerdir=/var,upperdir={upper},workdir={work}"
    _run("mount", "-t", "overlay", "overlay", "-o", layers, "/var")
    Path("/run/netns").mkdir()
    _run("mount", "--make-rshared", "/")


def _network(layout: Layout, machine: str) -> None:
    """Connect the machine and the pods by a bridge; the machine's end is named after the number."""
    outside = f"gitlabci{layout.number}"
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", "pods", "type", "bridge")
    # Without one of its own, a bridge has the lowest address of its pods: it changes as they come
    # and go, and whoever has just learned the old one waits for seconds.
    _run("ip", "link", "set", "pods", "address", f"02:00:0a:4f:{layout.number:02x}:02")
    _run("ip", "address", "add", f"{layout.node}/24", "dev", "pods")
    _run("ip", "link", "set", "pods", "up")
    _run("ip", "link", "add", "machine", "type", "veth", "peer", "name", outside)
    _run("ip", "link", "set", "machine", "master", "pods", "up")
    _run("ip", "link", "set", outside, "netns", machine)
    _run(
        "nsenter",
        f"--net={machine}",
        "ip",
        "address",
        "add",
        f"{layout.machine}/24",
        "dev",
        outside,
    )
    _run("nsenter", f"--net={machine}", "ip", "link", "set", outside, "up")


def _inherit_cpuset(hierarchy: Path, name: str) -> None:
    for file in ("cpuset.cpus", "cpuset.mems"):
        if (hierarchy / file).exists():
            (hierarchy / name / file).write_text((hierarchy / file).read_text())


def remove_cgroups(name: str) -> None:
    """Remove the cgroups of a cluster that has ended."""
    for top in CGROUPS.glob(f"*/{name}"):
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):  # a process that dies keeps it for a moment
                Path(folder).rmdir()


def _unmount(folder: Path) -> None:
    """Unmount what lies in the cluster's folder, the deepest first."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    mounted = [line.split()[1] for line in lines]
    for path in sorted(mounted, key=len, reverse=True):
        if path.startswith(f"{folder}/") or path in {"/run", "/var"}:
            subprocess.run(["umount", "--lazy", path], check=False, capture_output=True)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")


def main(folder: Path, built: Path, machine: str) -> None:
    """Run a cluster in a folder that was made for it."""
    number = int((folder / "number").read_text())
    Supervisor(Layout(folder, built, number), machine).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])

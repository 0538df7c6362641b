"""The fork server: a small process of one thread that starts the processes of all containers.

Forking it takes a millisecond, where a new interpreter for each container would take tens. It is
also what ties containers to the cluster: it ends when the cluster's end of the socket is closed,
by whatever death, and its children are killed by the kernel when it ends.

Each message is a line of JSON; `fds` says how many file descriptors came with it. Requests:

- `{"op": "pod", "pod": KEY, "hostname": NAME}`: namespaces that containers share;
- `{"op": "start", "id": N, "fds": 5}` with the spec, standard streams and a status pipe;
- `{"op": "exec", "id": N, "target": N, "fds": 5}`: the same, inside container `target`;
- `{"op": "signal", "id": N, "signal": N}`;
- `{"op": "drop", "pod": KEY}`: forget a pod's namespaces;
- `{"op": "remove", "id": N, "path": PATH}`: delete a directory, whatever its owner.

Answers: `{"ready": true}` once, then `{"id": N, "exit": CODE}` for each of start, exec and remove.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Never, cast

from gitlab_ci_cluster.files import remove_tree
from gitlab_ci_cluster.runtimes.process import child, linux, tree, warm
from gitlab_ci_cluster.runtimes.process.spec import Level, ProcessSpec

_MANY_FDS = 1024
_POD_NAMESPACES = {"ipc": linux.CLONE_NEWIPC, "uts": linux.CLONE_NEWUTS}


class ForkServer:
    """The state of the fork server: who runs, and what is still to be told."""

    def __init__(self, connection: socket.socket, level: Level) -> None:
        self._connection = connection
        self._level = level
        self._warm: child.Warm = {}
        self._ids: dict[int, int] = {}
        self._pids: dict[int, int] = {}
        self._pods: dict[str, dict[str, int]] = {}
        self._received = b""
        self._fds: list[int] = []
        self._unsent = b""
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def serve(self, warm_programs: Mapping[str, str]) -> None:
        """Work until the cluster goes away; then leave no process behind."""
        self._answer({"ready": True})
        self._warm = warm.load(warm_programs)
        wakeup, written = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        while True:
            connection = self._connection.fileno()
            writers = [connection] if self._unsent else []
            readable, writable, _ = select.select([connection, wakeup], writers, [])
            if wakeup in readable:
                os.read(wakeup, 4096)
                self._reap()
            if writable:
                self._flush()
            if connection in readable and not self._receive():
                return

    def kill_all(self) -> None:
        """Kill every process of every container and wait until they are gone."""
        tree.kill_descendants(os.getpid())

    def _receive(self) -> bool:
        try:
            data, fds, _, _ = socket.recv_fds(self._connection, 65536, 64)
        except ConnectionError:
            return False
        for fd in fds:
            os.set_inheritable(fd, False)  # recv_fds of Python 3.11 ignores MSG_CMSG_CLOEXEC
        self._fds += fds
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._handle(json.loads(line))
        return bool(data)

    def _handle(self, message: dict[str, Any]) -> None:
        fds = [self._fds.pop(0) for _ in range(message.get("fds", 0))]
        try:
            handler = getattr(self, f"_on_{message['op']}")
            handler(message, fds)
        except OSError as error:
            if fds:
                os.write(fds[4], str(error).encode())
            self._answer({"id": message.get("id"), "exit": 128})
        finally:
            for fd in fds:
                os.close(fd)

    def _on_pod(self, message: dict[str, Any], _: list[int]) -> None:
        """Make the namespaces of a pod by passing through them."""
        if self._level == "plain":
            return
        own = {kind: _open_namespace("self", kind) for kind in _POD_NAMESPACES}
        linux.unshare(linux.CLONE_NEWIPC | linux.CLONE_NEWUTS)
        linux.set_hostname(message["hostname"])
        self._pods[message["pod"]] = {kind: _open_namespace("self", kind) for kind in own}
        for kind, fd in own.items():
            linux.setns(fd, _POD_NAMESPACES[kind])
            os.close(fd)

    def _on_drop(self, message: dict[str, Any], _: list[int]) -> None:
        for fd in self._pods.pop(message["pod"], {}).values():
            os.close(fd)

    def _on_start(self, message: dict[str, Any], fds: list[int]) -> None:
        if self._level == "plain":
            pid = os.fork()
            if pid == 0:
                tree.supervise(_read_spec(fds), fds[1:], self._warm)
        else:
            pid = self._fork_in_new_pid_namespace(fds)
        self._remember(message["id"], pid)

    def _fork_in_new_pid_namespace(self, fds: list[int]) -> int:
        linux.unshare(linux.CLONE_NEWPID)
        try:
            pid = os.fork()
            if pid == 0:
                spec = _read_spec(fds)
                self._join_pod(spec, fds[1:])
                child.run(spec, fds[1:], self._level, self._warm)
        finally:
            linux.setns(self._own_pids, linux.CLONE_NEWPID)
        return pid

    def _join_pod(self, spec: ProcessSpec, fds: list[int]) -> None:
        try:
            for kind, fd in self._pods[spec["pod"]].items():
                linux.setns(fd, _POD_NAMESPACES[kind])
        except BaseException as error:  # noqa: BLE001 - we are in the forked child
            child.fail(fds[3], error)

    def _on_exec(self, message: dict[str, Any], fds: list[int]) -> None:
        target = self._pids[message["target"]]
        pid = os.fork()
        if pid == 0:
            self._enter_and_run(_read_spec(fds), fds[1:], target)
        self._remember(message["id"], pid)

    def _enter_and_run(self, spec: ProcessSpec, fds: list[int], target: int) -> Never:
        """Run a process inside a container and end with its exit code."""
        try:
            linux.die_with_parent(signal.SIGKILL)
            child.join_cgroups(spec)
            if self._level != "plain":
                kinds = {"ipc": linux.CLONE_NEWIPC, "uts": linux.CLONE_NEWUTS}
                kinds |= {"pid": linux.CLONE_NEWPID, "mnt": linux.CLONE_NEWNS}
                opened = [
                    (_open_namespace(str(target), kind), flag) for kind, flag in kinds.items()
                ]
                for fd, flag in opened:
                    linux.setns(fd, flag)
            pid = os.fork()
            if pid == 0:
                child.run_inside(spec, fds, self._warm)
            os.closerange(0, 3)
            for fd in fds:
                os.close(fd)
            os._exit(tree.exit_code(os.waitpid(pid, 0)[1]))
        except BaseException as error:  # noqa: BLE001 - we are in the forked child
            child.fail(fds[3], error)

    def _on_signal(self, message: dict[str, Any], _: list[int]) -> None:
        pid = self._pids.get(message["id"])
        if pid is None:
            return
        if self._level == "plain":
            tree.signal_supervised(pid, message["signal"])
        else:
            os.kill(pid, message["signal"])

    def _on_remove(self, message: dict[str, Any], _: list[int]) -> None:
        pid = os.fork()
        if pid == 0:
            os._exit(0 if remove_tree(Path(message["path"])) else 1)
        self._remember(message["id"], pid)

    def _remember(self, number: int, pid: int) -> None:
        self._pids[number] = pid
        self._ids[pid] = number

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                number = self._ids.pop(pid, None)
                if number is not None:
                    del self._pids[number]
                    self._answer({"id": number, "exit": tree.exit_code(status)})

    def _answer(self, message: dict[str, Any]) -> None:
        self._unsent += json.dumps(message).encode() + b"\n"
        self._flush()

    def _flush(self) -> None:
        with suppress(BlockingIOError, ConnectionError):
            sent = self._connection.send(self._unsent, socket.MSG_DONTWAIT)
            self._unsent = self._unsent[sent:]


def _open_namespace(process: str, kind: str) -> int:
    return os.open(f"/proc/{process}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)


def _read_spec(fds: list[int]) -> ProcessSpec:
    """Read what to start, in the forked child: the memory of this server never holds a secret."""
    try:
        with os.fdopen(os.dup(fds[0]), "rb") as file:
            file.seek(0)
            return cast("ProcessSpec", json.load(file))  # our own client wrote it
    except BaseException as error:  # noqa: BLE001 - we are in the forked child
        child.fail(fds[4], error)


def _enter_namespaces(level: Level) -> None:
    """Move into a process namespace as its first process: nothing in it survives us."""
    uid, gid = os.getuid(), os.getgid()
    shared = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
    linux.unshare(shared | (linux.CLONE_NEWUSER if level == "user" else 0))
    if level == "user":
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_SLAVE)
    pid = os.fork()
    if pid:
        os.closerange(3, _MANY_FDS)
        os._exit(tree.exit_code(os.waitpid(pid, 0)[1]))
    linux.die_with_parent(signal.SIGKILL)
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)


def main() -> None:
    """Serve, then delete what the cluster has left.

    The command line has the level of isolation, the descriptors of the socket and of the
    cluster's lock, a directory to keep in memory (or nothing), warm programs as JSON, and what to
    delete.
    """
    level = cast("Level", sys.argv[1])  # our own client wrote it
    connection, lock = int(sys.argv[2]), int(sys.argv[3])
    for descriptor in (connection, lock):
        os.set_inheritable(descriptor, False)  # no container may talk in our place
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the cluster decides when we end
    os.setsid()
    linux.adopt_orphans()
    if level != "plain":
        _enter_namespaces(level)
        if sys.argv[4]:
            linux.mount("tmpfs", sys.argv[4], "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755")
    server = ForkServer(socket.socket(fileno=connection), level)
    try:
        server.serve(json.loads(sys.argv[5]))
    finally:
        server.kill_all()
        for path in sys.argv[6:]:
            remove_tree(Path(path))


if __name__ == "__main__":
    main()

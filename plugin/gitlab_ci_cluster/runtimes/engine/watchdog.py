"""The watchdog: a small process that outlives the cluster, and removes what it has left.

An engine's containers are no children of ours, so no kernel ends them with us. This process waits
for the end of a socket, which comes with any death of the cluster. Then it removes the cluster's
containers and images, and at last its files. Where the engine has no service of its own, it also
runs that: the service has to be there for the removal.

Only the standard library and few modules of ours: it starts in no time and stays small.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.files import remove_tree
from gitlab_ci_cluster.runtimes.process import linux

KEEP = b"keep"
"""Tells the watchdog to leave the cluster's files alone."""

_LABEL = "io.gitlab-ci.cluster"
_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0
_GIVE_UP_SECONDS = 120
"""For an engine that does not answer; the next start of the cluster removes the rest."""


class _Connection(http.client.HTTPConnection):
    """A connection to a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=_GIVE_UP_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def call(path: str, method: str, target: str) -> Any:
    """Send a request to the engine; an error that it answers with is None.

    Without a version in its path, which is the newest that the engine has: every version has what
    is asked for here.

    Raises:
        OSError: nobody answers.
    """
    connection = _Connection(path)
    try:
        connection.request(method, f"/{target}")
        response = connection.getresponse()
        data = response.read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
    return json.loads(data) if response.status < 300 and data.startswith((b"[", b"{")) else None


def ping(path: str) -> None:
    """Check that somebody listens.

    Raises:
        ClusterError: nobody does.
    """
    try:
        call(path, "GET", "_ping")
    except OSError as error:
        raise ClusterError(f"nobody listens on {path}: {error.strerror or error}") from error


def sweep(path: str, cluster: str) -> None:
    """Remove all containers and images of a cluster.

    Raises:
        OSError: nobody answers, or something cannot be removed.
    """
    wanted = quote(json.dumps({"label": [f"{_LABEL}={cluster}"]}))
    for _ in range(3):
        found = call(path, "GET", f"containers/json?all=1&filters={wanted}") or []
        if not found:
            break
        for container in found:
            call(path, "DELETE", f"containers/{container['Id']}?force=1&v=1&timeout=0")
    else:
        raise OSError(f"{len(found)} containers cannot be removed")
    call(path, "DELETE", f"images/{quote(image_of(cluster), safe='')}?force=1")


def log_of(path: str | Path) -> Path:
    """Name what the service on a socket has to say."""
    return Path(f"{path}.log")


def died_of(path: str | Path) -> Path:
    """Name what is there once the service on a socket has died."""
    return Path(f"{path}.died")


def image_of(cluster: str) -> str:
    """Name the empty image of a cluster."""
    return f"localhost/{cluster}:empty"


class _Service:
    """The engine's service, started again when it dies; without a command it is another's."""

    def __init__(self, command: list[str], path: str) -> None:
        self._command = command
        self._path = path
        self._log = log_of(path)
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = _PAUSE_SECONDS
        self._next = 0.0

    def keep(self) -> None:
        """Start it if it does not run; more rarely the more often it dies."""
        if not self._command or (self._process and self._process.poll() is None):
            return
        if self._process:
            died_of(self._path).touch()
        if time.monotonic() < self._next:
            return
        self._kill_strays()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._log.parent,  # conmon leaves a file `oom` where it is
                start_new_session=True,
                preexec_fn=lambda: linux.die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one thread
            )
        self._next = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LONGEST_PAUSE_SECONDS)
            self._process.kill()
            self._process.wait()
            self._kill_strays()

    def _kill_strays(self) -> None:
        """End what an earlier start has left: rootless Podman serves in a child of its own."""
        ours = b"".join(os.fsencode(word) + b"\0" for word in self._command)
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if path.read_bytes() == ours:
                    os.kill(int(path.parent.name), signal.SIGKILL)


def _clean(path: str, cluster: str, service: _Service, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        service.keep()
        try:
            sweep(path, cluster)
        except OSError:
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def main() -> None:
    """Wait for the end of the cluster, then clean up.

    The command line has the descriptors of the socket and of the cluster's lock, the engine's
    socket, the cluster's name, how many paths to delete, these, and the command of the service.
    A cluster that goes on without us says `KEEP` before it closes the socket.
    """
    connection, lock = int(sys.argv[1]), int(sys.argv[2])
    path, cluster, count = sys.argv[3], sys.argv[4], int(sys.argv[5])
    paths, command = sys.argv[6 : 6 + count], sys.argv[6 + count :]
    os.set_inheritable(lock, False)
    os.set_inheritable(connection, False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the cluster decides when we end
    os.setsid()
    service = _Service(command, path)
    service.keep()
    while not select.select([connection], [], [], _PAUSE_SECONDS)[0]:
        service.keep()
    abandoned = os.read(connection, len(KEEP)) == KEEP
    _clean(path, cluster, service, _LONGEST_PAUSE_SECONDS if abandoned else _GIVE_UP_SECONDS)
    service.stop()
    for left in () if abandoned else paths:
        remove_tree(Path(left))


if __name__ == "__main__":
    main()

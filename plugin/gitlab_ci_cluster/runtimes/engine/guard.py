"""The cluster's end of the watchdog, which it starts again when somebody has killed it."""

from __future__ import annotations

import asyncio
import logging
import socket as sockets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from gitlab_ci_cluster.runtimes.engine.watchdog import KEEP
from gitlab_ci_cluster.runtimes.interface import RuntimeConfig

_MODULE = "gitlab_ci_cluster.runtimes.engine.watchdog"
_PAUSE_SECONDS = 0.5

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Guard:
    """Keeps a watchdog alive.

    Attributes:
        socket: of the engine.
        cluster: the value of the label of the cluster's containers.
        command: runs the engine's service; nothing where that is another's.
    """

    config: RuntimeConfig
    socket: Path
    cluster: str
    command: tuple[str, ...] = ()
    _process: subprocess.Popen[bytes] | None = None
    _connection: sockets.socket | None = None
    _task: asyncio.Task[None] | None = field(default=None)

    async def open(self) -> None:
        """Start the watchdog."""
        self._start()
        self._task = asyncio.create_task(self._keep())

    async def close(self, *, keep_files: bool = False) -> None:
        """Let the watchdog clean up, and wait until it has."""
        if self._task is not None:
            self._task.cancel()
        if self._connection is not None:
            if keep_files:
                self._connection.send(KEEP)
            self._connection.close()
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)

    def _start(self) -> None:
        ours, theirs = sockets.socketpair()
        leftovers = self.config.leftovers
        with theirs:
            fds = [theirs.fileno(), self.config.lock]
            arguments = [*fds, self.socket, self.cluster, len(leftovers), *leftovers, *self.command]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", _MODULE, *map(str, arguments)],
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
            )
        if self._connection is not None:
            self._connection.close()
        self._connection = ours

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            if self._process is not None and self._process.poll() is not None:
                _log.warning("the watchdog of the container engine has died, starting another")
                self._start()

"""Puts the cluster together, and takes it down without a trace."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.cluster import deletion, node
from gitlab_ci_provider.local.cluster.api.server import ApiServer, serve
from gitlab_ci_provider.local.cluster.certificate import make_certificate
from gitlab_ci_provider.local.cluster.kubeconfig import write_kubeconfig
from gitlab_ci_provider.local.cluster.kubelet.context import KubeletContext
from gitlab_ci_provider.local.cluster.kubelet.kubelet import Kubelet
from gitlab_ci_provider.local.cluster.kubelet.recorder import EventRecorder
from gitlab_ci_provider.local.cluster.runtimes.base import Runtime
from gitlab_ci_provider.local.cluster.runtimes.choice import RuntimeName, choose_runtime
from gitlab_ci_provider.local.cluster.store import Store

_log = logging.getLogger(__name__)
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonConfig:
    """How to run a cluster.

    Attributes:
        directory: of the cluster; the kubeconfig goes there.
        paths: by image, a directory to put first into PATH.
    """

    directory: Path
    host: str = "127.0.0.1"
    port: int = 0
    runtime: RuntimeName = "auto"
    paths: Mapping[str, str] = field(default_factory=dict)


async def run(config: DaemonConfig) -> None:
    """Run a cluster until SIGTERM or SIGINT.

    Raises:
        StackError: it cannot start, or has lost its runtime.
    """
    stop = asyncio.Event()
    lost = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def lose() -> None:
        lost.set()
        stop.set()

    directories = _Directories(config.directory)
    directories.prepare()
    runtime = await choose_runtime(config.runtime, config.directory, config.paths, lose)
    try:
        await _serve(config, directories, runtime, stop)
    finally:
        await runtime.close()
        directories.clean()
    if lost.is_set():
        raise StackError("the fork server of the runtime has died, and all pods with it")


async def _serve(
    config: DaemonConfig, directories: _Directories, runtime: Runtime, stop: asyncio.Event
) -> None:
    store = Store()
    name = socket.gethostname().lower() or "node"
    store.listen(lambda change: deletion.finish(store, change))
    kubelet = Kubelet(_context(config, directories, runtime, store))
    node.populate(store, name, config.host, runtime.name)
    token = secrets.token_urlsafe(32)
    certificate = make_certificate(config.host, config.directory)
    app = ApiServer(store, kubelet, token).application()
    try:
        server, port = await serve(app, config.host, config.port, certificate.context)
    except OSError as error:
        address = f"{config.host}:{config.port}"
        raise StackError(f"cannot listen on {address}: {os.strerror(error.errno or 0)}") from error
    url = f"https://{config.host}:{port}"
    write_kubeconfig(directories.kubeconfig, url, token, certificate.pem)
    _log.info("the embedded cluster listens on %s", url)
    try:
        await stop.wait()
    finally:
        directories.kubeconfig.unlink(missing_ok=True)
        await kubelet.close()
        await server.cleanup()


def _context(
    config: DaemonConfig, directories: _Directories, runtime: Runtime, store: Store
) -> KubeletContext:
    name = socket.gethostname().lower() or "node"
    return KubeletContext(
        store=store,
        runtime=runtime,
        events=EventRecorder(store, name),
        node=name,
        disk=directories.pods,
        memory=directories.memory,
        images=frozenset(config.paths),
        ip=config.host,
    )


class _Directories:
    """What the cluster keeps on this machine; all of it goes when the cluster goes."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.pods = base / "pods"
        self.kubeconfig = base / "kubeconfig"
        name = hashlib.sha256(str(base.resolve()).encode()).hexdigest()[:16]
        parent = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else base
        self.memory = parent / f"gitlab-ci-{os.getuid()}-{name}"

    def prepare(self) -> None:
        """Remove what a cluster that was killed left behind, and begin anew."""
        self.base.mkdir(parents=True, exist_ok=True)
        self.base.chmod(0o700)
        self.clean()
        for path in (self.pods, self.memory):
            path.mkdir(mode=0o700)

    def clean(self) -> None:
        """Remove all that belongs to pods; what is large goes out of the way at once."""
        self.kubeconfig.unlink(missing_ok=True)
        for path in (self.pods, self.memory):
            if path.exists():
                trash = Path(tempfile.mkdtemp(prefix="trash-", dir=path.parent))
                path.rename(trash / path.name)
                shutil.rmtree(trash, ignore_errors=True)

"""Starts the cluster's parts in order, and stops them leaving nothing behind."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aiohttp import web

from gitlab_ci_cluster.api.faults import Faults
from gitlab_ci_cluster.api.server import ApiServer, listen, serve
from gitlab_ci_cluster.controllers import deletion
from gitlab_ci_cluster.controllers.namespaces import create_namespaces
from gitlab_ci_cluster.controllers.node import register_node
from gitlab_ci_cluster.daemon.directories import Directories
from gitlab_ci_cluster.daemon.identity import keep_identity
from gitlab_ci_cluster.daemon.kubeconfig import write_kubeconfig
from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.kubelet.context import KubeletContext
from gitlab_ci_cluster.kubelet.kubelet import Kubelet
from gitlab_ci_cluster.kubelet.recorder import EventRecorder
from gitlab_ci_cluster.kubelet.tokens import TokenIssuer
from gitlab_ci_cluster.objects.meta import now
from gitlab_ci_cluster.objects.store import Store
from gitlab_ci_cluster.runtimes.choice import choose_runtime
from gitlab_ci_cluster.runtimes.interface import Runtime, RuntimeConfig
from gitlab_ci_cluster.runtimes.known import RuntimeName

_log = logging.getLogger(__name__)
_VERSIONS_PER_SECOND = 100
"""More changes than that never go on for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonConfig:
    """How to run a cluster.

    Attributes:
        directory: of the cluster; the kubeconfig goes there.
        paths: by image, a directory to put first into PATH.
        image_map: patterns of images, each with the image to take instead.
        hidden: directories that no container may see, in addition to the cluster's own.
        faults: file that says how to misbehave, for tests; None cannot.
        warm: by their path, Python programs to keep imported, as `MODULE:FUNCTION`.
    """

    directory: Path
    host: str = "127.0.0.1"
    port: int = 0
    runtime: RuntimeName = "auto"
    paths: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[Path, ...] = ()
    image_map: tuple[tuple[str, str], ...] = ()
    faults: Path | None = None
    warm: Mapping[str, str] = field(default_factory=dict)


async def run(config: DaemonConfig) -> None:
    """Run a cluster until SIGTERM or SIGINT.

    Raises:
        ClusterError: it cannot start, or has lost its runtime.
    """
    stop = asyncio.Event()
    lost = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def lose() -> None:
        lost.set()
        stop.set()

    _allow_many_files()
    directories = Directories(config.directory)
    with await directories.lock() as lock:
        try:
            runtime = await choose_runtime(
                config.runtime, _runtime_config(config, directories, lock.fileno(), lose)
            )
            directories.runtime.write_text(runtime.name)
            await _serve(config, directories, runtime, stop)
        finally:
            directories.clean()
    if lost.is_set():
        raise ClusterError("the fork server of the runtime has died, and all pods with it")


def _allow_many_files() -> None:
    """Each container and each client needs some."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _runtime_config(
    config: DaemonConfig, directories: Directories, lock: int, lose: Callable[[], None]
) -> RuntimeConfig:
    return RuntimeConfig(
        directory=config.directory,
        memory=directories.memory,
        leftovers=directories.of_pods,
        lock=lock,
        paths=config.paths,
        on_lost=lose,
        hidden=config.hidden,
        warm=config.warm,
    )


async def _serve(
    config: DaemonConfig, directories: Directories, runtime: Runtime, stop: asyncio.Event
) -> None:
    store = Store(version=int(now().timestamp() * _VERSIONS_PER_SECOND))
    name = socket.gethostname().lower() or "node"
    store.listen(lambda change: deletion.finish(store, change))
    kubelet = Kubelet(_context(config, directories, runtime, store))
    register_node(store, name, config.host, runtime.name)
    create_namespaces(store)
    try:
        server = await _listen(config, directories, store, kubelet)
        trash = asyncio.create_task(asyncio.to_thread(directories.remove_trash))
        await stop.wait()
        directories.kubeconfig.unlink(missing_ok=True)
        await kubelet.close()
        await server.cleanup()
        await trash
    finally:
        await runtime.close()


async def _listen(
    config: DaemonConfig, directories: Directories, store: Store, kubelet: Kubelet
) -> web.AppRunner:
    """Listen, and say where in the kubeconfig."""
    identity = keep_identity(config.host, config.directory)
    context = identity.context(config.directory)
    faults = Faults(config.faults) if config.faults else None
    app = ApiServer(store, kubelet, identity.token, faults).application()
    try:
        server, port = await serve(app, config.host, config.port, context)
    except OSError as error:
        address = f"{config.host}:{config.port}"
        raise ClusterError(
            f"cannot listen on {address}: {os.strerror(error.errno or 0)}"
        ) from error
    if faults:
        again = partial(listen, server, config.host, port, context)
        faults.begin_watching(server, again)
    url = f"https://{config.host}:{port}"
    write_kubeconfig(directories.kubeconfig, url, identity.token, identity.pem.encode())
    _log.info("the embedded cluster listens on %s", url)
    return server


def _context(
    config: DaemonConfig, directories: Directories, runtime: Runtime, store: Store
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
        image_map=config.image_map,
        tokens=TokenIssuer(config.directory),
        ip=config.host,
    )

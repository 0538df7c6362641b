"""The cluster that `pytest --kubeconfig FILE` names, and what the tests may expect of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from clusters.layout import EXTENSION, hosts_file
from processes.waiting import wait_until
from servers.address import ADDRESS

_KUBELET_PORT = 10250


@dataclass(frozen=True)
class Target:
    """A cluster that was there before the tests.

    Attributes:
        machine: the address at which its pods reach servers of this machine.
        stopped: the folder by which its parts are stopped, see `layout.py`; None where nobody can.
        audit: the log of all requests to its API server.
        version: major and minor of its API server.
    """

    kubeconfig: Path
    machine: str
    stopped: Path | None
    audit: Path | None
    version: tuple[int, int]

    @property
    def images(self) -> Path | None:
        """The folder of the registry that the cluster pulls from; None where nobody can add one."""
        return self.stopped.parent / "images" if self.stopped else None

    def pull_from(self, registry: str) -> None:
        """Let pods have images of another registry of this machine, which speaks plain HTTP."""
        assert self.stopped
        file = self.stopped.parent / "hosts" / registry / "hosts.toml"
        file.parent.mkdir()
        file.write_text(hosts_file(registry))

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """Stop a part of the cluster for as long as the block lasts."""
        assert self.stopped
        file = self.stopped / part
        file.touch()
        try:
            yield
        finally:
            file.unlink()

    @contextmanager
    def with_kubelet(self, **changes: Any) -> Iterator[None]:
        """Run the kubelet with a changed configuration for as long as the block lasts."""
        assert self.stopped
        file = self.stopped.parent / "kubelet.json"
        before = file.read_text()
        self._start_kubelet(file, json.dumps(json.loads(before) | changes))
        try:
            yield
        finally:
            self._start_kubelet(file, before)

    def _start_kubelet(self, file: Path, configuration: str) -> None:
        with self.without("kubelet"):
            wait_until(self._has_no_kubelet, "the end of the kubelet")
            file.write_text(configuration)

    def _has_no_kubelet(self) -> bool:
        server = yaml.safe_load(self.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        with socket() as trial:
            return trial.connect_ex((urlsplit(server).hostname, _KUBELET_PORT)) != 0


def read_target(kubeconfig: Path) -> Target:
    """Read what a kubeconfig says of its cluster, and ask the cluster which version it is."""
    cluster: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    said = {one["name"]: one["extension"] for one in cluster.get("extensions", [])}
    ours = said.get(EXTENSION, {})
    return Target(
        kubeconfig=kubeconfig,
        machine=os.environ.get(ADDRESS) or ours.get("machine", "127.0.0.1"),
        stopped=Path(ours["stopped"]) if ours else None,
        audit=Path(ours["audit"]) if ours else None,
        version=_version(kubeconfig),
    )


def _version(kubeconfig: Path) -> tuple[int, int]:
    from kubernetes import client, config

    with config.new_client_from_config(str(kubeconfig)) as api:
        code = client.VersionApi(api).get_code()
    return int(code.major), int(code.minor.rstrip("+"))


def why_skipped(target: Target | None, item: pytest.Item) -> str:
    """Say why a test cannot run on a cluster, by its markers; empty if it can."""
    if target is None:
        found = item.get_closest_marker("real")
        return f"needs --kubernetes: {found.args[0]}" if found else ""
    for mark in item.iter_markers("embedded"):
        return f"only for the embedded cluster: {mark.args[0]}"
    for mark in item.iter_markers("needs_kubernetes"):
        wanted, what = mark.args
        if target.version < tuple(map(int, wanted.split("."))):
            have = ".".join(map(str, target.version))
            return f"{what} came with Kubernetes {wanted}, this is {have}"
    return ""

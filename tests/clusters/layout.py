"""Where the parts of a real Kubernetes for tests lie, and the addresses that they have."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PREFIX = "gitlab-ci-kubernetes-"
"""Begins the name of everything that a cluster makes on this machine: its folder and cgroups."""

EXTENSION = "gitlab-ci-tests"
"""The entry in a kubeconfig's cluster that says what its tests can use."""

VERSION = "1.20.2"
FOLDER_VARIABLE = "GITLAB_CI_TESTS_KUBERNETES"


def build_folder() -> Path:
    """Name the folder that keeps what is built once: the programs, and the root of the images."""
    default = Path.home() / ".cache" / "gitlab-ci-provider-tests" / f"kubernetes-{VERSION}"
    return Path(os.environ.get(FOLDER_VARIABLE, default))


def hosts_file(registry: str) -> str:
    """Tell containerd of a registry that speaks plain HTTP."""
    return f'server = "http://{registry}"\n[host."http://{registry}"]\n'


@dataclass(frozen=True)
class Layout:
    """One cluster: a folder, and a network of its own with a number.

    The machine is `.1` of that network, the node and all parts of the cluster `.2`, pods the rest.
    """

    folder: Path
    built: Path
    number: int

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def machine(self) -> str:
        return f"10.79.{self.number}.1"

    @property
    def node(self) -> str:
        return f"10.79.{self.number}.2"

    @property
    def subnet(self) -> str:
        return f"10.79.{self.number}.0/24"

    @property
    def server(self) -> str:
        return f"https://{self.node}:6443"

    @property
    def registry(self) -> str:
        return f"{self.node}:5000"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def parts_kubeconfig(self) -> Path:
        return self.folder / "parts.kubeconfig"

    @property
    def ready(self) -> Path:
        """The file that appears when the node takes pods."""
        return self.folder / "ready"

    @property
    def stopped(self) -> Path:
        """The folder in which a file with the name of a part keeps that part from running."""
        return self.folder / "stopped"

    @property
    def audit(self) -> Path:
        """What the API server writes down about each request: one JSON object a line."""
        return self.folder / "audit.log"

    def program(self, name: str) -> str:
        return str(self.built / "bin" / name)

    @cached_property
    def version(self) -> tuple[int, int]:
        """Major and minor of the kubelet."""
        said = subprocess.run(
            [self.program("kubelet"), "--version"], capture_output=True, text=True, check=True
        ).stdout
        found = re.search(r"v(\d+)\.(\d+)", said)
        assert found, said
        return int(found[1]), int(found[2])

"""Where an engine is looked for."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gitlab_ci_cluster.runtimes.engine.discovery import candidates, remote_host

OWN = Path("/own.sock")


def test_docker_host_is_the_only_place_if_it_is_set():
    """The user has said which."""
    found = list(candidates({"DOCKER_HOST": "unix:///a.sock", "PATH": "/usr/bin"}, OWN))

    assert [candidate.socket for candidate in found] == [Path("/a.sock")]


def test_an_engine_elsewhere_cannot_be_used():
    """It would not see the directories of this machine."""
    assert remote_host({"DOCKER_HOST": "tcp://1.2.3.4:2375"}) == "tcp://1.2.3.4:2375"
    assert remote_host({"DOCKER_HOST": "unix:///a.sock"}) is None
    assert remote_host({}) is None


@pytest.mark.parametrize("name", ["docker.sock", "podman/podman.sock"])
def test_sockets_of_the_user_are_found(tmp_path: Path, name: str):
    """In the folder of the session."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        found = list(candidates({"XDG_RUNTIME_DIR": str(tmp_path), "PATH": ""}, OWN))

    assert path in [candidate.socket for candidate in found]


def test_podman_without_a_service_is_given_one(tmp_path: Path):
    """As it is configured first, then with each OCI runtime that is there."""
    podman = tmp_path / "podman"
    podman.write_text("#!/bin/sh\n")
    podman.chmod(0o755)
    (tmp_path / "runc").symlink_to(podman)
    environment = {"PATH": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}

    found = [
        candidate.command for candidate in candidates(environment, OWN) if candidate.socket == OWN
    ]

    assert found == [
        (str(podman), "system", "service", "--time=0", f"unix://{OWN}"),
        (str(podman), "--runtime", "runc", "system", "service", "--time=0", f"unix://{OWN}"),
    ]

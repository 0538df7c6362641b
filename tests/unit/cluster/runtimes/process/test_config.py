"""From a container to a process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_cluster.runtimes.interface import ContainerConfig, PodConfig, RuntimeConfig
from gitlab_ci_cluster.runtimes.process.config import capabilities, process_spec


def container(**fields: Any) -> ContainerConfig:
    return ContainerConfig(id="c", image="i", argv=("true",), env={}, cwd=None, **fields)


def test_capabilities_are_few_unless_asked_for():
    """Dropping all leaves what is added; privileged keeps all."""
    only = {"drop_capabilities": frozenset({"ALL"}), "add_capabilities": frozenset({"CHOWN"})}

    assert capabilities(container(**only)) == [0]
    assert capabilities(container(privileged=True)) is None
    assert 21 not in (capabilities(container()) or [])
    assert 21 in (capabilities(container(add_capabilities=frozenset({"SYS_ADMIN"}))) or [])


def test_environment_holds_nothing_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Only PATH, HOME, HOSTNAME and the pod's own variables; the image's directory comes first."""
    monkeypatch.setenv("LEAK", "1")
    pod = PodConfig(uid="u", name="p", namespace="n", hostname="h", directory=tmp_path)
    runtime = RuntimeConfig(
        directory=tmp_path,
        memory=tmp_path,
        leftovers=(),
        lock=0,
        paths={"i": "/tools"},
        on_lost=lambda: None,
    )

    env = process_spec(pod, container(), runtime, "root")["env"]

    assert set(env) == {"PATH", "HOME", "HOSTNAME"}
    assert env["PATH"].startswith("/tools:/usr/local/sbin:")

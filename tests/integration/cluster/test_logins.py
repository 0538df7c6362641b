"""Tokens of a plugin of the kubeconfig, as those of EKS and GKE: they last for minutes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitlab_ci_provider.hooks.async_kubernetes import Place, RefusedError, connected
from integration.cluster.support import Api, Cluster

CONNECTION = "plugin_kubernetes"

PLUGIN = """#!/bin/sh
echo asked >>{asked}
echo '{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
  "status": {{"token": "'$(cat {token})'"}}}}'
"""


class Plugin:
    """The plugin of a kubeconfig, which gives whatever token a file holds."""

    def __init__(self, folder: Path, kubeconfig: Path):
        config: Any = yaml.safe_load(kubeconfig.read_text())
        self.good = str(config["users"][0]["user"]["token"])
        self._token, self._asked = folder / "token", folder / "asked"
        program = folder / "plugin"
        program.write_text(PLUGIN.format(asked=self._asked, token=self._token))
        program.chmod(0o755)
        command = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(program),
            "interactiveMode": "Never",
        }
        config["users"][0]["user"] = {"exec": command}
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(config))

    def gives(self, token: str) -> None:
        self._token.write_text(token)

    @property
    def times(self) -> int:
        return len(self._asked.read_text().splitlines())


@pytest.fixture
def plugin(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    """The kubeconfig of Airflow's connection has a plugin."""
    made = Plugin(tmp_path, cluster.kubeconfig)
    extra = {"kube_config_path": str(made.kubeconfig)}
    connection = json.dumps({"conn_type": "kubernetes", "extra": extra})
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", connection)
    return made


def test_a_token_that_has_expired_is_asked_for_again(api: Api, plugin: Plugin):
    """Once for all requests that meet it: a triggerer stays connected as long as jobs wait."""
    plugin.gives("expired")

    async def ask() -> None:
        async with connected(Place(CONNECTION, api.namespace)) as cluster:
            plugin.gives(plugin.good)
            answers = await asyncio.gather(*(cluster.get("pods") for _ in range(5)))
            assert all(b'"items"' in answer for answer in answers)

    asyncio.run(ask())
    assert plugin.times == 2


def test_a_login_that_stays_refused_is_told(api: Api, plugin: Plugin):
    """Nothing is asked for ever."""
    plugin.gives("never")

    async def ask() -> None:
        async with connected(Place(CONNECTION, api.namespace)) as cluster:
            with pytest.raises(RefusedError, match="401"):
                await cluster.get("pods")

    asyncio.run(ask())
    assert plugin.times == 2

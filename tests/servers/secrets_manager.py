"""AWS Secrets Manager, as far as `GetSecretValue` of its published API goes (JSON 1.1 over HTTP).

The real client checks requests against AWS's own description of the service, which botocore has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from servers.serving import serving


@dataclass
class SecretsManager:
    """A running server.

    Attributes:
        secrets: their text by id; None is a binary one.
        asked: the requests.
        broken: answer as a service that has failed.
    """

    secrets: dict[str, str | None] = field(default_factory=dict)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    broken: bool = False
    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        """Answer GetSecretValue."""
        self.asked.append(request)
        name = request["SecretId"]
        if self.broken:
            return 500, {"__type": "InternalServiceError"}
        if name not in self.secrets:
            return 400, {
                "__type": "ResourceNotFoundException",
                "Message": "Secrets Manager can't find the specified secret.",
            }
        value = self.secrets[name]
        content = {"SecretBinary": "AAEC"} if value is None else {"SecretString": value}
        return 200, {"Name": name, "VersionStages": ["AWSCURRENT"], **content}


@contextmanager
def secrets_manager() -> Iterator[SecretsManager]:
    """Run a server."""
    served = SecretsManager()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer a call."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
            served.regions.append(self.headers["Authorization"].split("/")[2])
            status, answer = served.answer(json.loads(body))
            said = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Be silent: the test's own output matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server) as served.port:
        yield served

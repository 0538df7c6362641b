"""Secret stores of Google Cloud and Azure with their logins, as far as reading a secret goes.

Written after the published descriptions of Secret Manager's `versions.access`, Key Vault's
`Get Secret`, OAuth's token endpoints and OpenID's discovery. The real clients log in.
"""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from servers.serving import serving

TOKEN = "token-canary"
TENANT = "11111111-1111-1111-1111-111111111111"

Answer = tuple[int, Mapping[str, Any]]


@dataclass
class CloudSecrets:
    """Running stores.

    Attributes:
        secrets: by the path that is asked for; None is a binary one.
        logins: what was sent to get a token.
        asked: paths of secrets, with their queries.
        status: what is answered instead; 0 for the secret.
    """

    certificate: Path
    secrets: dict[str, str | None] = field(default_factory=dict)
    logins: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    status: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://localhost:{self.port}"

    def token(self, form: Mapping[str, list[str]]) -> Answer:
        """Answer a login."""
        self.logins.append({key: values[0] for key, values in form.items()})
        if form.get("client_secret") == ["wrong"]:
            return 401, {"error": "invalid_client", "error_description": "no such application"}
        return 200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}

    def get(self, path: str, authorization: str) -> Answer:
        """Answer a request for a secret, or for what a login needs to know."""
        if path.endswith("/openid-configuration"):
            there = f"{self.url}/{TENANT}"
            names = ("authorization_endpoint", "token_endpoint", "issuer")
            return 200, {name: f"{there}/{name}" for name in names}
        assert authorization == f"Bearer {TOKEN}"
        self.asked.append(path)
        if self.status:
            return self.status, {"error": {"message": "said by the provider"}}
        name = urlsplit(path).path
        if name not in self.secrets:
            return 404, {"error": {"message": f"{name} not found"}}
        value = self.secrets[name]
        data = base64.b64encode(b"\xff" if value is None else value.encode()).decode()
        return 200, {"value": value, "payload": {"data": data}}


@contextmanager
def cloud_secrets(folder: Path) -> Iterator[CloudSecrets]:
    """Run them over HTTPS, which their clients demand."""
    certificate, key = folder / "cloud.crt", folder / "cloud.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=cloud"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    served = CloudSecrets(certificate)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*served.token(parse_qs(body)))

        def do_GET(self) -> None:
            self._answer(*served.get(self.path, self.headers["Authorization"]))

        def _answer(self, status: int, answer: Mapping[str, Any]) -> None:
            said = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Be silent: the test's own output matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as served.port:
        yield served

"""A gate in front of an S3 server: counts what passes, and can turn everything away."""

from __future__ import annotations

import http.client
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from servers.address import address

_BUSY = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
_EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>"
ANSWERS = {503: _BUSY, 400: _EXPIRED}


@dataclass
class Gate:
    """A running gate.

    Attributes:
        passed: what has passed, as `GET snapshots/dags`: method, and the first parts of the key.
        refused: what was turned away, in the same words.
        refuse: the status with which everything is turned away; 0 lets everything pass.
        lose: of how many of the next PUTs the answer is lost.
    """

    port: int
    behind: int
    passed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    refuse: int = 0
    lose: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{address()}:{self.port}"

    def counted(self) -> Counter[str]:
        """Return what has passed since the last call."""
        passed, self.passed = self.passed, Counter()
        return passed


@contextmanager
def gate(behind: int) -> Iterator[Gate]:
    """Open a gate in front of a port."""
    server = ThreadingHTTPServer((address(), 0), _Handler)
    server.daemon_threads = True
    made = Gate(port=server.server_address[1], behind=behind)
    server.gate = made  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


def _name(method: str, path: str) -> str:
    """Name a request by what it is for."""
    parts = urlsplit(path)
    listed = parse_qs(parts.query).get("prefix")
    key = listed[0] if listed else parts.path
    state = key.partition("state/state/" if not listed else "state/")[2]
    return f"{'LIST' if listed else method} {'/'.join(state.split('/')[:2]) or 'other'}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _pass(self) -> None:
        found: Gate = self.server.gate  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if found.refuse:
            found.refused[_name(self.command, self.path)] += 1
            self._answer(found.refuse, {}, ANSWERS.get(found.refuse, b""))
            return
        found.passed[_name(self.command, self.path)] += 1
        connection = http.client.HTTPConnection(address(), found.behind)
        try:
            connection.request(self.command, self.path, body=body, headers=dict(self.headers))
            answer = connection.getresponse()
            if found.lose and self.command == "PUT":
                found.lose -= 1
                answer.read()
                self.close_connection = True
                return
            self._answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = _pass  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Write no log."""

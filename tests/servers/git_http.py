"""A real git server over HTTP: `git http-backend` behind Python's web server.

Repositories are folders below one root; with a token, clients must log in with any user name and
that token as the password, as GitLab's job tokens do it.
"""

from __future__ import annotations

import base64
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from urllib.parse import urlsplit

from servers.address import address
from servers.serving import serving

_CHUNK = 64 * 1024


@dataclass
class GitServer:
    """A running server.

    Attributes:
        root: holds the repositories; `url('group/project.git')` serves `root/group/project.git`.
        token: what clients must present; empty lets everybody in.
        moved_to: address of a server that clients are sent to; empty serves them here.
        requests: each request as `METHOD path`, in their order.
        users: the names of those who logged in.
        protocol: highest version of git's protocol that it admits to; "" speaks as old servers do.
        tls: whether it speaks HTTPS.
    """

    root: Path
    token: str = ""
    protocol: str = "2"
    moved_to: str = ""
    requests: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    port: int = 0
    tls: bool = False

    def url(self, path: str) -> str:
        """Name the address of a repository."""
        return f"http{'s' if self.tls else ''}://{address()}:{self.port}/{path}"

    def admits(self, authorization: str) -> bool:
        """Return whether a client may come in."""
        kind, _, encoded = authorization.partition(" ")
        if kind.lower() == "basic":
            user, _, password = base64.b64decode(encoded).decode().partition(":")
            self.users.append(user)
            return password == self.token
        return not self.token


@contextmanager
def git_server(
    root: Path, token: str = "", protocol: str = "2", certificate: tuple[Path, Path] | None = None
) -> Iterator[GitServer]:
    """Serve the repositories below a folder, with HTTPS if there is a certificate and its key."""
    served = GitServer(root=root, token=token, protocol=protocol, tls=certificate is not None)

    class Handler(_Handler):
        server_state = served

    server = ThreadingHTTPServer((address(), 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as served.port:
        yield served


class Backend(BaseHTTPRequestHandler):
    """Can hand a request to `git http-backend`, which is a CGI program."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request for refs or objects."""
        self.answer()

    def do_POST(self) -> None:
        """Answer a negotiation."""
        self.answer()

    def do_PUT(self) -> None:
        """Answer what is not git's."""
        self.answer()

    def do_DELETE(self) -> None:
        """Answer what is not git's."""
        self.answer()

    def do_HEAD(self) -> None:
        """Answer what is not git's."""
        self.answer()

    def answer(self) -> None:
        """Answer any method."""
        raise NotImplementedError

    def log_message(self, *_: object) -> None:
        """Be silent: the test's own output matters."""

    def serve_git(self, root: Path, body: bytes, protocol: str = "2") -> None:
        """Answer with what git answers for the repositories below a folder."""
        command, environment = [_git(), "http-backend"], self._environment(root, protocol)
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as backend:
            answer, _ = backend.communicate(body)
        self._send(answer)

    def read_body(self) -> bytes:
        """Read the whole body."""
        return b"".join(self._body())

    def refuse(self, status: int, header: str, value: str) -> None:
        """Answer without a body."""
        self.send_response(status)
        self.send_header(header, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, answer: bytes) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        headers = [line.partition(": ") for line in head.decode().split("\r\n") if line]
        status = next((value for name, _, value in headers if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, _, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _environment(self, root: Path, protocol: str) -> dict[str, str]:
        address = urlsplit(self.path)
        passed = {
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": address.path,
            "QUERY_STRING": address.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": self.client_address[0],
            "PATH": os.environ["PATH"],
        }
        if protocol:
            passed["GIT_PROTOCOL"] = self.headers.get("Git-Protocol", "")
        return passed

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            yield from _exactly(self.rfile, int(self.headers.get("Content-Length", 0)))


class _Handler(Backend):
    """Serves git to those who may come in."""

    server_state: GitServer

    def answer(self) -> None:
        """Let in who may come in."""
        state = self.server_state
        state.requests.append(f"{self.command} {self.path}")
        body = self.read_body()
        if state.moved_to:
            self.refuse(302, "Location", state.moved_to + self.path)
        elif not state.admits(self.headers.get("Authorization", "")):
            self.refuse(401, "WWW-Authenticate", 'Basic realm="git"')
        else:
            self.serve_git(state.root, body, state.protocol)


def _exactly(source: BufferedIOBase, count: int) -> Iterator[bytes]:
    while count > 0 and (data := source.read(min(count, _CHUNK))):
        count -= len(data)
        yield data


def _git() -> str:
    found = shutil.which("git")
    if found is None:
        raise FileNotFoundError("git is not installed")
    return found

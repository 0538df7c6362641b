"""`include:remote` against a real HTTPS server."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import quote, unquote

import pytest

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources import remote
from gitlab_ci_provider.sources.remote import MAX_BYTES, RemoteFiles
from servers.certificates import make_certificate

STOPPED = Event()


class _Pages(BaseHTTPRequestHandler):
    """A few answers by path."""

    def do_GET(self) -> None:
        """Answer."""
        if self.path == "/ci.yml?ref=1":
            self._send(200, b"job: {script: x}\n")
        elif self.path == "/moved":
            self._send(302, b"", "/ci.yml?ref=1")
        elif self.path == "/elsewhere":
            self._send(302, b"", "https://other.example.com/ci.yml")
        elif self.path.startswith("/to/"):
            self._send(302, b"", unquote(self.path.removeprefix("/to/")))
        elif self.path == "/slow":
            self._drip()
        elif self.path == "/round":
            self._send(302, b"", "/round")
        elif self.path == "/big":
            self._send(200, b"x" * (MAX_BYTES + 1))
        else:
            self._send(404, b"")

    def _drip(self) -> None:
        """Answer so that each step is in time, and the whole never ends."""
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"#")
                self.wfile.flush()
                STOPPED.wait(0.05)
        except OSError:
            return

    def _send(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Stay quiet."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, RemoteFiles]]:
    """The server's address, and a fetcher that trusts it."""
    folder = tmp_path_factory.mktemp("certificate")
    file, key = folder / "server.pem", folder / "server.key"
    make_certificate(file, key, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    Thread(target=http.serve_forever, daemon=True).start()
    files = RemoteFiles(hosts=["localhost"], private=True, ca_bundle=str(file), timeout=10)
    yield f"https://localhost:{http.server_port}", files
    http.shutdown()
    http.server_close()


@pytest.mark.parametrize("path", ["/ci.yml?ref=1", "/moved"])
def test_file_is_fetched(server: tuple[str, RemoteFiles], path: str):
    """Redirects on hosts that may be asked are followed."""
    address, files = server

    assert files.fetch(address + path) == b"job: {script: x}\n"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/absent", "HTTP code `404`"),
        ("/round", "too many redirects"),
        ("/elsewhere", "is not allowed"),
        ("/big", "larger than"),
    ],
)
def test_file_that_cannot_be_fetched(server: tuple[str, RemoteFiles], path: str, words: str):
    """The reason is told in words."""
    address, files = server

    with pytest.raises(SourceError, match=words):
        files.fetch(address + path)


def test_private_addresses_are_not_asked(server: tuple[str, RemoteFiles]):
    """By default this machine and private networks are out of reach."""
    with pytest.raises(SourceError, match="private network"):
        RemoteFiles().fetch(f"{server[0]}/ci.yml")


@pytest.mark.parametrize("url", ["http://localhost/a", "file:///etc/passwd", "https://", "a"])
def test_only_https_is_spoken(url: str):
    """Addresses with other schemes are not valid."""
    with pytest.raises(SourceError, match="valid address"):
        RemoteFiles().fetch(url)


def test_unknown_certificate_is_refused(server: tuple[str, RemoteFiles]):
    """A server that cannot prove its name is not believed."""
    with pytest.raises(SourceError, match="certificate"):
        RemoteFiles(private=True, timeout=10).fetch(f"{server[0]}/ci.yml")


def test_a_server_that_never_ends_is_left(server: tuple[str, RemoteFiles]):
    """The limit is for the whole answer, not only for each step of it."""
    hasty = replace(server[1], timeout=1)

    with pytest.raises(SourceError, match="longer than 1 s"):
        hasty.fetch(f"{server[0]}/slow")


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Names and the answers that the network gives for them, one after another."""
    answers: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host not in answers:
            return real(host, port, *args, **kwargs)
        addresses = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(remote, "is_public", lambda address: address == "127.0.0.1")
    return answers


def _public(files: RemoteFiles) -> RemoteFiles:
    """Ask as a run does: nothing private; the test calls this machine public."""
    return replace(files, hosts=("*",), private=False)


def test_a_name_is_looked_up_once(
    server: tuple[str, RemoteFiles], looked_up: dict[str, list[list[str]]]
):
    """A name that means something else a moment later (DNS rebinding) is not asked again."""
    looked_up["localhost"] = [["127.0.0.1"], ["127.0.0.66"]]

    assert _public(server[1]).fetch(f"{server[0]}/ci.yml?ref=1")
    assert looked_up["localhost"] == [["127.0.0.66"]]
    with pytest.raises(SourceError, match=r"127\.0\.0\.66, which is in a private network"):
        _public(server[1]).fetch(f"{server[0]}/ci.yml?ref=1")


def test_one_private_address_of_a_name_is_enough(
    server: tuple[str, RemoteFiles], looked_up: dict[str, list[list[str]]]
):
    """Wherever it stands: the system may take any of them."""
    looked_up["localhost"] = [["127.0.0.1", "10.0.0.1"]]

    with pytest.raises(SourceError, match=r"10\.0\.0\.1, which is in a private network"):
        _public(server[1]).fetch(f"{server[0]}/ci.yml?ref=1")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("https://169.254.169.254/latest/meta-data", "169.254.169.254, which is in a private"),
        ("//169.254.169.254/latest", "169.254.169.254, which is in a private network"),
        ("https://[::ffff:10.0.0.1]/", "which is in a private network"),
        ("https://2130706434/", "127.0.0.2, which is in a private network"),
        ("https://inside.example/", "10.1.2.3, which is in a private network"),
        ("http://127.0.0.1/ci.yml", "valid address"),
        ("file:///etc/passwd", "valid address"),
        ("gopher://127.0.0.1:6379/_x", "valid address"),
        ("https://[::1/", "valid address"),
        ("https://host:99999/", "valid address"),
        ("https://u:geheim@10.0.0.1/", "10.0.0.1, which is in a private network"),
    ],
)
def test_each_redirect_is_checked_like_the_first_address(
    server: tuple[str, RemoteFiles],
    looked_up: dict[str, list[list[str]]],
    target: str,
    words: str,
):
    """A server that may be asked cannot send us to one that may not."""
    looked_up |= {"localhost": [["127.0.0.1"]], "inside.example": [["10.1.2.3"]]}

    with pytest.raises(SourceError) as refused:
        _public(server[1]).fetch(f"{server[0]}/to/{quote(target, safe='')}")

    assert words in str(refused.value)
    assert "geheim" not in str(refused.value)

"""`include:remote` against a real HTTPS server."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.remote import MAX_BYTES, RemoteFiles


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
        elif self.path == "/round":
            self._send(302, b"", "/round")
        elif self.path == "/big":
            self._send(200, b"x" * (MAX_BYTES + 1))
        else:
            self._send(404, b"")

    def _send(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Stay quiet."""


def _certificate(folder: Path) -> Path:
    """Make a certificate for this machine, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, RemoteFiles]]:
    """The server's address, and a fetcher that trusts it."""
    file = _certificate(tmp_path_factory.mktemp("certificate"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
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
        ("/elsewhere", "may not be asked"),
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
    """Other schemes are no valid address."""
    with pytest.raises(SourceError, match="valid address"):
        RemoteFiles().fetch(url)


def test_unknown_certificate_is_refused(server: tuple[str, RemoteFiles]):
    """A server that cannot prove its name is not believed."""
    with pytest.raises(SourceError, match="certificate"):
        RemoteFiles(private=True, timeout=10).fetch(f"{server[0]}/ci.yml")

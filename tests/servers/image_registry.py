"""A real registry of images, Debian's `docker-registry`, and a gate in front of it.

The gate asks for a login, refuses, fails, or lets no tag be changed, as registries do; all else is
what the registry answers.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import ssl
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from processes.waiting import wait_until
from servers.address import address
from servers.certificates import make_certificate

if TYPE_CHECKING:
    import httpx

_DOCKER = "application/vnd.docker"
MANIFEST = f"{_DOCKER}.distribution.manifest.v2+json"
_ACCEPT = f"{MANIFEST}, application/vnd.oci.image.manifest.v1+json"
_CHUNK = 1024 * 1024
_UPLOADED_MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")

Mood = Literal["kind", "login", "token", "forbidden", "failing", "recovering", "immutable"]
_TOKEN = "token-of-the-gate"


@dataclass
class Registry:
    """A running registry.

    Attributes:
        host: `ADDRESS:PORT`, as the name of an image begins.
        certificate: of a registry that speaks TLS.
    """

    host: str
    certificate: Path | None = None

    def client(self) -> httpx.Client:
        """Make a client; close it."""
        import httpx

        if self.certificate is None:
            return httpx.Client(base_url=f"http://{self.host}", timeout=600)
        trusting = ssl.create_default_context(cafile=str(self.certificate))
        return httpx.Client(base_url=f"https://{self.host}", verify=trusting, timeout=600)

    def digest(self, repository: str, tag: str) -> str:
        """Ask for the digest of a tag."""
        with self.client() as client:
            answer = client.head(f"/v2/{repository}/manifests/{tag}", headers={"Accept": _ACCEPT})
        answer.raise_for_status()
        return answer.headers["Docker-Content-Digest"]

    def size(self, repository: str, tag: str) -> int:
        """Add up the bytes of an image's layers, as they are kept."""
        with self.client() as client:
            headers = {"Accept": _ACCEPT}
            manifest = client.get(f"/v2/{repository}/manifests/{tag}", headers=headers).json()
        return sum(layer["size"] for layer in manifest["layers"])

    def tags(self, repository: str) -> list[str]:
        """List the tags of a repository; none when there is no such repository."""
        with self.client() as client:
            answer = client.get(f"/v2/{repository}/tags/list")
        return sorted(answer.json().get("tags") or []) if answer.is_success else []

    def config(self, repository: str, tag: str) -> dict[str, Any]:
        """Read the configuration of an image: labels, variables ..."""
        with self.client() as client:
            headers = {"Accept": _ACCEPT}
            manifest = client.get(f"/v2/{repository}/manifests/{tag}", headers=headers).json()
            blob = f"/v2/{repository}/blobs/{manifest['config']['digest']}"
            found: dict[str, Any] = client.get(blob, follow_redirects=True).json()
        return found

    def files(self, repository: str, tag: str) -> dict[str, bytes]:
        """Read the regular files of an image, layer over layer."""
        found: dict[str, bytes] = {}
        with self.client() as client:
            headers = {"Accept": _ACCEPT}
            manifest = client.get(f"/v2/{repository}/manifests/{tag}", headers=headers).json()
            for layer in manifest["layers"]:
                data = client.get(f"/v2/{repository}/blobs/{layer['digest']}").content
                with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                    for member in archive:
                        file = archive.extractfile(member) if member.isreg() else None
                        if file is not None:
                            found[member.name.removeprefix("./")] = file.read()
        return found

    def push(
        self, repository: str, tag: str, files: Mapping[str, Path], created: str = "2026-01-01"
    ) -> None:
        """Push an image of a single layer that was made on a day."""
        layer = _layer(files)
        moment = f"{created}T00:00:00.123456789Z"
        config = {
            "created": moment,
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            # buildah takes no layer from its cache that follows one without a history.
            "history": [{"created": moment, "created_by": "tests"}],
        }
        with self.client() as client:
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _upload(client, repository, "container.image.v1+json", _json(config)),
                "layers": [_upload(client, repository, "image.rootfs.diff.tar", layer)],
            }
            path = f"/v2/{repository}/manifests/{tag}"
            headers = {"Content-Type": MANIFEST}
            client.put(path, content=_json(manifest), headers=headers).raise_for_status()

    def push_base(self, repository: str = "base") -> str:
        """Push an image with a shell and the usual small programs; returns its name."""
        busybox = shutil.which("busybox")
        if busybox is None:
            pytest.skip("needs busybox, statically linked (Debian: busybox-static)")
        applets = (
            "sh",
            "cat",
            "echo",
            "ls",
            "id",
            "wc",
            "mkdir",
            "touch",
            "rm",
            "dd",
            "true",
            "false",
        )
        self.push(repository, "1", {f"bin/{name}": Path(busybox) for name in applets})
        return f"{self.host}/{repository}:1"


@contextmanager
def running_registry(folder: Path, *, tls: bool = False) -> Iterator[Registry]:
    """Start a registry, empty; with `tls` it speaks HTTPS with a certificate that nobody trusts."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("needs docker-registry (Debian: docker-registry)")
    folder.mkdir(parents=True, exist_ok=True)
    http: dict[str, Any] = {"addr": f"{address()}:0"}
    certificate = folder / "certificate.pem" if tls else None
    if certificate:
        key = folder / "key.pem"
        make_certificate(certificate, key)
        http["tls"] = {"certificate": str(certificate), "key": str(key)}
    config = {
        "version": 0.1,
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "data")},
            "delete": {"enabled": True},
        },
        "http": http,
        "log": {"level": "info", "accesslog": {"disabled": True}},
    }
    file, log = folder / "config.json", folder / "log"
    file.write_text(json.dumps(config))  # YAML holds JSON
    with log.open("wb") as output:
        process = subprocess.Popen([program, "serve", str(file)], stdout=output, stderr=output)
    try:
        wait_until(lambda: _listening(log) or process.poll() is not None, "the registry")
        yield Registry(_listening(log), certificate)
    finally:
        process.terminate()
        process.wait()


def _listening(log: Path) -> str:
    found = re.search(r"listening on ([0-9.]+:[0-9]+)", log.read_text())
    return found.group(1) if found else ""


@dataclass
class Gate:
    """What stands in front of a registry.

    Attributes:
        mood: `login` asks for the login, `token` for a token that a login gets, `forbidden` lets
            nobody push, `failing` fails pushes with 500, `recovering` answers the first
            manifest with 503, `immutable` lets no tag be changed.
        logins: `USER:PASSWORD` of those who may come in.
        asked: the logins that clients have shown, with the path that they asked for.
    """

    behind: str
    mood: Mood = "kind"
    logins: frozenset[str] = frozenset()
    asked: list[tuple[str, str]] = field(default_factory=list)
    pushed: set[str] = field(default_factory=set)
    failed: bool = False
    host: str = ""

    def refusal(self, method: str, path: str, authorization: str) -> tuple[int, str, str] | None:
        """Say why a request is refused: status, code and message; None lets it pass."""
        kind, _, encoded = authorization.partition(" ")
        login = base64.b64decode(encoded).decode() if kind == "Basic" else ""
        self.asked.append((path, login))
        if self.mood == "token" and path != "/token":
            known = authorization == f"Bearer {_TOKEN}"
        else:
            known = not self.logins or login in self.logins
        if not known:
            return 401, "UNAUTHORIZED", "authentication required"
        return None if method in {"GET", "HEAD"} else self._refused_push(path)

    def _refused_push(self, path: str) -> tuple[int, str, str] | None:
        if self.mood == "forbidden":
            return 403, "DENIED", "requested access to the resource is denied"
        if self.mood == "failing":
            return 500, "UNKNOWN", "unknown error"
        manifest = _UPLOADED_MANIFEST.fullmatch(path)
        if self.mood == "recovering" and manifest and not self.failed:
            self.failed = True
            return 503, "UNAVAILABLE", "service unavailable"
        if self.mood == "immutable" and manifest:
            if path in self.pushed:
                words = f"tag {manifest[2]} cannot be overwritten because the tag is immutable"
                return 400, "TAG_INVALID", words
            self.pushed.add(path)
        return None


@contextmanager
def gate_to(registry: Registry, **given: Any) -> Iterator[Gate]:
    """Put a gate in front of a registry that speaks plain HTTP."""
    gate = Gate(behind=registry.host, **given)

    class Handler(_GateHandler):
        pass

    Handler.gate = gate
    with ThreadingHTTPServer((address(), 0), Handler) as server:
        gate.host = f"{address()}:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield gate
        finally:
            server.shutdown()


class _GateHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gate: Gate

    def handle_one_request(self) -> None:
        """Answer one request, whatever its method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        refused = self.gate.refusal(
            self.command, self.path.partition("?")[0], self.headers.get("Authorization", "")
        )
        size = int(self.headers.get("Content-Length") or 0)
        body = self._chunks() if self.headers.get("Transfer-Encoding") else self.rfile.read(size)
        if refused:
            self._refuse(*refused)
        elif self.path.startswith("/token?"):
            self.send_response(200)
            self._send_json(_json({"token": _TOKEN}))
        else:
            self._pass_on(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
        """Stay silent."""

    def _chunks(self) -> bytes:
        data = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _refuse(self, status: int, code: str, message: str) -> None:
        text = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.send_response(status)
        if status == 401:
            token = f'Bearer realm="http://{self.gate.host}/token",service="tests"'
            asked = token if self.gate.mood == "token" else 'Basic realm="tests"'
            self.send_header("WWW-Authenticate", asked)
        self._send_json(text)

    def _send_json(self, text: bytes) -> None:
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def _pass_on(self, body: bytes) -> None:
        behind = HTTPConnection(self.gate.behind, timeout=600)
        dropped = {"connection", "transfer-encoding", "content-length", "authorization"}
        names = {name.lower() for name in self.headers} - dropped
        kept = {name: ", ".join(self.headers.get_all(name, ())) for name in names}
        behind.request(self.command, self.path, body, {**kept, "Content-Length": str(len(body))})
        answer = behind.getresponse()
        data = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                self.send_header(name, value.replace(self.gate.behind, self.gate.host))
        size = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        self.send_header("Content-Length", size or "0")
        self.end_headers()
        self.wfile.write(data)


def _layer(files: Mapping[str, Path]) -> bytes:
    """Pack files; those with the same source become links to the first."""
    packed, first = io.BytesIO(), dict[Path, str]()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(folder)
        for name, source in files.items():
            member = tarfile.TarInfo(name)
            member.mode = 0o755
            if source in first:
                member.type, member.linkname = tarfile.LNKTYPE, first[source]
                archive.addfile(member)
                continue
            first[source] = name
            member.size = source.stat().st_size
            with source.open("rb") as file:
                archive.addfile(member, file)
    return packed.getvalue()


def _upload(client: httpx.Client, repository: str, kind: str, data: bytes) -> dict[str, Any]:
    import httpx

    begun = client.post(f"/v2/{repository}/blobs/uploads/").raise_for_status()
    place = httpx.URL(begun.headers["Location"]).copy_merge_params({"digest": _digest(data)})
    client.put(place, content=data).raise_for_status()
    return {"mediaType": f"{_DOCKER}.{kind}", "size": len(data), "digest": _digest(data)}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"

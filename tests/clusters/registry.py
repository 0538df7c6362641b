"""A registry that every image is pulled from: read only, from the folder that `images.py` fills.

It knows each name: `gitlab-ci-helper` and `busybox` are themselves, every other one is Debian.
Names that begin with `missing/` are unknown to it, those with `private/` want a login, which is
`me` with the password `registry-password`, and it is too busy for those with `busy/`.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_LOGIN = f"Basic {base64.b64encode(b'me:registry-password').decode()}"
_ROUTE = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs)/(?P<reference>[^/]+)")


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    images: Path

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        route = _ROUTE.fullmatch(self.path.partition("?")[0])
        if not route:
            # Podman sends a login only to a registry that asks for one here.
            asks = self.path == "/v2/"
            self._refuse(HTTPStatus.UNAUTHORIZED if asks else HTTPStatus.NOT_FOUND, "")
            return
        name = route["name"].removeprefix("library/")
        if name.startswith("private/") and self.headers["Authorization"] != _LOGIN:
            self._refuse(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED")
        elif name.startswith("missing/"):
            self._refuse(HTTPStatus.NOT_FOUND, "MANIFEST_UNKNOWN")
        elif name.startswith("busy/"):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE")
        else:
            self._send(self._find(name, route["kind"], route["reference"]), route["kind"], body)

    def _find(self, name: str, kind: str, reference: str) -> str:
        """Name the blob that is asked for."""
        if kind == "blobs" or reference.startswith("sha256:"):
            return reference
        known = json.loads((self.images / "index.json").read_text())
        last = name.rsplit("/", 1)[-1].replace("gitlab-ci-helper", "helper")
        return str(known.get(last, known["base"]))

    def _send(self, digest: str, kind: str, body: bool) -> None:
        path = self.images / digest
        if not path.exists():
            self._refuse(HTTPStatus.NOT_FOUND, "BLOB_UNKNOWN")
            return
        self.send_response(HTTPStatus.OK)
        octets = "application/octet-stream"
        self.send_header("Content-Type", MANIFEST if kind == "manifests" else octets)
        self.send_header("Content-Length", str(path.stat().st_size))
        self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if body:
            with path.open("rb") as file:
                shutil.copyfileobj(file, self.wfile)

    def _refuse(self, status: HTTPStatus, code: str) -> None:
        text = json.dumps({"errors": [{"code": code, "message": status.phrase}]} if code else {})
        self.send_response(status)
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="tests"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())


def main(address: str, folder: str) -> None:
    """Serve the images of a cluster's folder."""
    host, _, port = address.partition(":")
    Handler.images = Path(folder) / "images"
    ThreadingHTTPServer((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""An admission webhook that refuses everything, over HTTPS as Kubernetes demands."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from servers.address import address


@contextmanager
def refusing_webhook(folder: Path, words: str) -> Iterator[dict[str, Any]]:
    """Run it; gives the `clientConfig` of a webhook configuration that asks it."""
    certificate, key = folder / "webhook.crt", folder / "webhook.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=webhook"]
    command += ["-addext", f"subjectAltName=IP:{address()}", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = {"uid": review["request"]["uid"], "allowed": False}
            answer["status"] = {"message": words}
            body = json.dumps({**review, "request": None, "response": answer}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((address(), 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield {
            "url": f"https://{address()}:{server.server_address[1]}/",
            "caBundle": base64.b64encode(certificate.read_bytes()).decode(),
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

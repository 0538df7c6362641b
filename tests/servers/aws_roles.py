"""Who gives keys to those that have a role: Amazon's STS, and the metadata service of a machine.

Answers as their documentation says. The keys are those of the S3 server of the tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from servers.s3 import ACCESS_KEY, SECRET_KEY
from servers.serving import serving

SESSION_TOKEN = "token/of+the=session"
_ROLE = "node-role"
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_METADATA = "/latest/meta-data/iam/security-credentials/"


@dataclass
class AwsRoles:
    """What was asked, and how to answer.

    Attributes:
        asked: the questions to STS, and the roles that the machine was asked for.
        refuse: whether STS refuses the role.
    """

    port: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)
    refuse: bool = False

    @property
    def url(self) -> str:
        """Where they answer."""
        return f"http://127.0.0.1:{self.port}"

    def sts(self, question: dict[str, str]) -> tuple[int, str]:
        """Let somebody assume a role."""
        self.asked.append(question)
        if self.refuse:
            error = "<Code>AccessDenied</Code><Message>Not authorized</Message>"
            return (
                403,
                f'<ErrorResponse xmlns="{_NAMESPACE}"><Error>{error}</Error></ErrorResponse>',
            )
        action = question["Action"]
        keys = "".join(f"<{name}>{value}</{name}>" for name, value in _keys("SessionToken").items())
        result = f"<{action}Result><Credentials>{keys}</Credentials></{action}Result>"
        return 200, f'<{action}Response xmlns="{_NAMESPACE}">{result}</{action}Response>'

    def metadata(self, path: str) -> tuple[int, str]:
        """Say which role a machine has, or what its keys are."""
        if path == _METADATA:
            return 200, _ROLE
        if path != _METADATA + _ROLE:
            return 404, ""
        self.asked.append({"Role": _ROLE})
        return 200, json.dumps({"Code": "Success", "Type": "AWS-HMAC", **_keys("Token")})


def _keys(token: str) -> dict[str, str]:
    until = datetime.now(UTC) + timedelta(hours=1)
    keys = {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY, token: SESSION_TOKEN}
    return {**keys, "Expiration": f"{until:%Y-%m-%dT%H:%M:%SZ}"}


@contextmanager
def aws_roles() -> Iterator[AwsRoles]:
    """Run both on one port."""
    served = AwsRoles()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found = {name: value[0] for name, value in parse_qs(body).items()}
            self._answer(*served.sts(found), kind="text/xml")

        def do_PUT(self) -> None:
            self._answer(200, "token-of-the-metadata-service")

        def do_GET(self) -> None:
            self._answer(*served.metadata(urlsplit(self.path).path))

        def _answer(self, status: int, text: str, kind: str = "text/plain") -> None:
            said = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Be silent: the test's own output matters."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as served.port:
        yield served

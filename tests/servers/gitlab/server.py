"""A stand-in for GitLab: real git over HTTP and a small API with state, at one address.

As strict as the real one about kinds of tokens, scopes, access levels and pages. Each request and
answer is checked against GitLab's own description of its API.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from servers.address import address
from servers.git_http import Backend
from servers.gitlab import ci, code, delivery, listing, statuses, stored  # noqa: F401 - they register their routes
from servers.gitlab.access import check_scope, identify, may_use_git
from servers.gitlab.call import ROUTES, Answer, Call, Refusal, Route
from servers.gitlab.contract import Contract
from servers.gitlab.faults import Fault, Faults
from servers.gitlab.webhooks import deliver_changes, refs
from servers.gitlab.world import World
from servers.serving import serving

_API = "/api/v4"


@dataclass
class GitLab:
    """A running stand-in.

    Attributes:
        requests: each as `METHOD path?query`, in their order; `git` ones as well.
        proxied: those that came through it as a proxy.
        contract: checks requests and answers; None: they may differ from those of the real one.
        closed: it has ended.
    """

    world: World
    faults: Faults = field(default_factory=Faults)
    requests: list[str] = field(default_factory=list)
    proxied: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    contract: Contract | None = field(default_factory=Contract)
    closed: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.scheme}://{address()}:{self.port}"

    @property
    def violations(self) -> list[str]:
        """What contradicted GitLab's own description of its API so far."""
        return self.contract.violations if self.contract else []

    def answer(self, request: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer a request to the API."""
        method, _, target = request.partition(" ")
        parts = urlsplit(target.removeprefix(_API))
        found, place = _route(method, parts.path)
        try:
            token = identify(self.world, headers, found)
            if found is None:
                raise Refusal(404, {"error": "404 Not Found"})
            check_scope(token, found)
            call = Call(
                world=self.world,
                method=method,
                path=parts.path,
                place=place,
                query=_query(parts.query),
                body=_decoded(body, headers),
                token=token,
                base=f"{self.url}{_API}",
            )
            done = found.handler(call)
            answer = done if isinstance(done, Answer) else Answer(done)
        except Refusal as refusal:
            return refusal.answer
        if self.contract:
            self.contract.check(found, call, answer)
        return answer


@contextmanager
def gitlab_server(folder: Path, certificate: Path | None = None) -> Iterator[GitLab]:
    """Run one with its repositories in a folder; a certificate (and key) makes it HTTPS.

    Raises:
        AssertionError: at the end, if something contradicts GitLab's description.
    """
    served = GitLab(World(folder), scheme="https" if certificate else "http")

    class Handler(_Handler):
        gitlab = served

    server = ThreadingHTTPServer((address(), 0), Handler)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as served.port:
        yield served
        served.closed.set()
    assert served.violations == [], "\n".join(sorted(set(served.violations)))


class _Handler(Backend):
    """Tells git from the API, and lets faults happen."""

    gitlab: GitLab

    def answer(self) -> None:
        """Answer any method."""
        if self.path.startswith("http:"):  # a proxy is asked for the whole address
            self.gitlab.proxied.append(self.path)
            parts = urlsplit(self.path)
            self.path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        request, body = f"{self.command} {self.path}", self.read_body()
        self.gitlab.requests.append(request)
        self.gitlab.headers.append(dict(self.headers.items()))
        fault = self.gitlab.faults.of(request)
        if fault and fault.gate:
            fault.gate.wait()
        if fault and fault.refuse:
            self._hang_up()
        elif fault and fault.drip:
            self._drip(fault.drip)
        elif fault and (fault.status or fault.echo):
            self._say(self._faulty(fault), fault)
        elif urlsplit(self.path).path.startswith((_API, "/oauth/")):
            self._say(self.gitlab.answer(request, self.headers, body), fault)  # type: ignore[arg-type] # a Message is a mapping
        else:
            self._git(body)

    def _faulty(self, fault: Fault) -> Answer:
        body = {"message": f"You sent {dict(self.headers.items())}"} if fault.echo else fault.body
        if body is None:
            body = {"message": f"{fault.status} on order"}
        return Answer(body, fault.status or 500, fault.headers)

    def _say(self, answer: Answer, fault: Fault | None) -> None:
        plain = isinstance(answer.body, bytes)
        body = answer.body if plain else json.dumps(answer.body).encode()
        if answer.status == 204:
            body = b""
        self.send_response(answer.status)
        headers = {"Content-Type": "text/plain" if plain else "application/json"}
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = fault.cut if fault else None
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        if cut is not None:
            self._hang_up()

    def _drip(self, part: str) -> None:
        """Answer without an end, until the client leaves."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        self.wfile.write(b"Content-Length: 1000000\r\n\r\n" if part == "body" else b"X-Long: ")
        self.close_connection = True
        with suppress(OSError):
            while not self.gitlab.closed.wait(0.01):
                self.wfile.write(b" ")

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _git(self, body: bytes) -> None:
        gitlab, (path, _, service) = self.gitlab, urlsplit(self.path).path.partition(".git/")
        project = gitlab.world.projects.get(unquote(path).strip("/"))
        write = "receive-pack" in service or "receive-pack" in self.path
        authorization = self.headers.get("Authorization", "")
        status = may_use_git(gitlab.world, project, authorization, write=write)
        if status == 200:
            before = refs(project) if project and write else {}
            self.serve_git(gitlab.world.root / "served", body)
            if write and project and self.command == "POST":
                project.act()
                deliver_changes(gitlab.world, project, before)
        else:
            self.refuse(status, "WWW-Authenticate", 'Basic realm="GitLab"')


def _route(method: str, path: str) -> tuple[Route | None, dict[str, str]]:
    """Find the handler of a path, whose parts are encoded one by one."""
    parts = path.split("/")
    wanted = "GET" if method == "HEAD" else method
    for route in ROUTES:
        names = route.pattern.split("/")
        if route.method == wanted and len(names) == len(parts):
            pairs = list(zip(names, parts, strict=True))
            if all(name[:1] == ":" or name == part for name, part in pairs):
                return route, {name[1:]: unquote(part) for name, part in pairs if name[:1] == ":"}
    return None, {}


def _query(text: str) -> dict[str, str]:
    """Read a query; the values of a list, `refs[]=a&refs[]=b`, are separated by commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        listed = name.endswith("[]") and name in found
        found[name] = f"{found[name]},{value}" if listed else value
    return found


def _decoded(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    if not body or not headers.get("Content-Type", "").startswith("application/json"):
        return dict(parse_qsl(body.decode()))
    try:
        decoded = json.loads(body)
    except ValueError as problem:
        raise Refusal(400, {"error": "Problem while parsing request body"}) from problem
    return decoded if isinstance(decoded, dict) else {}

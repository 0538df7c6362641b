"""Asking a service whether it is ready, as its clients would: no tool in its image is needed.

A server that is known by its image says more than that its port is open: PostgreSQL and Redis
accept connections while they still start or load, and MongoDB's image first starts a server that
is for itself only, on the loopback address.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Mapping

from gitlab_ci_provider.model.plan import ServiceCheck, ServiceProtocol

_SECONDS = 2.0
"""For one question; a service that does not answer in time is asked again."""

_LOOPBACKS = ("127.0.0.1", "::1")
_ELSEWHERE = ("192.0.2.1", 9)
"""An address for documentation: nothing is sent, only a route is looked up."""

_POSTGRES_VERSION = 3 << 16
_STARTING_UP = b"C57P03\0"
_GREETING, _ERROR = 10, 255
_AMQP = b"AMQP\0\0\x09\x01"
_METHOD_FRAME = 1


class NotReadyError(Exception):
    """The service cannot serve yet; the message says why."""


def ask(check: ServiceCheck) -> str:
    """Ask a service; empty when it is ready, else why not."""
    hosts = (_own_address(),) if check.protocol == "outside" else _LOOPBACKS
    problem = ""
    for host in hosts:
        try:
            _ask(host, check)
        except (NotReadyError, OSError) as error:
            problem = problem or _words(error)
        else:
            return ""
    return problem


def _ask(host: str, check: ServiceCheck) -> None:
    with socket.create_connection((host, check.port), timeout=_SECONDS) as connection:
        connection.settimeout(_SECONDS)
        question = _QUESTIONS.get(check.protocol)
        if question is not None:
            question(connection)


def _own_address() -> str:
    """Find the pod's own address; the loopback where there is no other network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return _LOOPBACKS[0]
        return str(probe.getsockname()[0])


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error)


def _postgres(connection: socket.socket) -> None:
    """Say hello; everything but `starting up` is an answer of a server that serves."""
    words = b"user\0postgres\0database\0postgres\0\0"
    connection.sendall(struct.pack("!ii", 8 + len(words), _POSTGRES_VERSION) + words)
    answer = connection.recv(1024)
    if not answer:
        raise NotReadyError("the connection was closed")
    if answer[:1] == b"E" and _STARTING_UP in answer:
        raise NotReadyError("the database system is starting up")


def _mysql(connection: socket.socket) -> None:
    """Wait for the greeting; an error, such as too many connections, comes from a server, too."""
    answer = connection.recv(16)
    if len(answer) < 5 or answer[4] not in (_GREETING, _ERROR):
        raise NotReadyError("no greeting")


def _redis(connection: socket.socket) -> None:
    """PING; a server that wants a password first is ready."""
    connection.sendall(b"PING\r\n")
    answer = connection.recv(128)
    if answer.startswith(b"-LOADING"):
        raise NotReadyError("it is loading its data")
    if answer[:1] not in (b"+", b"-"):
        raise NotReadyError("no answer to PING")


def _amqp(connection: socket.socket) -> None:
    """Offer a version; a broker that serves starts to negotiate, or names its own version."""
    connection.sendall(_AMQP)
    answer = connection.recv(8)
    if answer[:1] != bytes([_METHOD_FRAME]) and answer[:4] != _AMQP[:4]:
        raise NotReadyError("no answer to the protocol header")


def _http(connection: socket.socket) -> None:
    """Ask for `/`; a server that wants TLS hangs up or answers otherwise, and is there."""
    connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
    answer = connection.recv(64)
    words = answer.split(b" ", 2)
    if answer.startswith(b"HTTP/") and len(words) > 1 and words[1].startswith(b"5"):
        raise NotReadyError(f"HTTP status {words[1][:3].decode('ascii', 'replace')}")


_QUESTIONS: Mapping[ServiceProtocol, Callable[[socket.socket], None]] = {
    "postgres": _postgres,
    "mysql": _mysql,
    "redis": _redis,
    "amqp": _amqp,
    "http": _http,
}

"""Asking services whether they are ready: real sockets, answers as servers give them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gitlab_ci_provider.helper import service_checks
from gitlab_ci_provider.helper.service_checks import ask
from gitlab_ci_provider.model.plan import ServiceCheck, ServiceProtocol

MYSQL = b"\x4a\0\0\0\x0a8.4.0\0" + b"x" * 40


@contextmanager
def server(answer: bytes, speaks_first: bool = False) -> Iterator[int]:
    """Answer each connection with the same bytes, then hang up; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    if not speaks_first:
                        connection.recv(1024)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def check(port: int, protocol: ServiceProtocol = "tcp") -> ServiceCheck:
    return ServiceCheck(name="s", image="i", port=port, protocol=protocol)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.mark.parametrize(
    "protocol", ["tcp", "outside", "postgres", "mysql", "redis", "amqp", "http"]
)
def test_nobody_listens(protocol: ServiceProtocol):
    """The reason is the system's."""
    assert "refused" in ask(check(free_port(), protocol))


@pytest.mark.parametrize(
    ("protocol", "answer", "problem"),
    [
        ("postgres", b"R\0\0\0\x08\0\0\0\x03", ""),
        ("postgres", b"E\0\0\0\x5aSFATAL\0C28P01\0Mpassword authentication failed\0\0", ""),
        ("postgres", b"E\0\0\0\x5aSFATAL\0C57P03\0Mstarting up\0\0", "starting up"),
        ("postgres", b"", "closed"),
        ("mysql", MYSQL, ""),
        ("mysql", b"\x10\0\0\0\xff\x6a\x04Host is not allowed", ""),
        ("mysql", b"", "no greeting"),
        ("redis", b"+PONG\r\n", ""),
        ("redis", b"-NOAUTH Authentication required.\r\n", ""),
        ("redis", b"-LOADING Redis is loading the dataset in memory\r\n", "loading"),
        ("redis", b"", "no answer"),
        ("amqp", b"\x01\0\0\0\0\x01\xf8\0", ""),
        ("amqp", b"AMQP\0\0\x09\x01", ""),
        ("amqp", b"", "no answer"),
        ("http", b"HTTP/1.1 200 OK\r\n\r\n", ""),
        ("http", b"HTTP/1.1 401 Unauthorized\r\n\r\n", ""),
        ("http", b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "503"),
        ("http", b"", ""),
    ],
)
def test_what_an_answer_means(protocol: ServiceProtocol, answer: bytes, problem: str):
    """A server that serves is ready, also when it does not let us in; one that starts is not."""
    with server(answer, speaks_first=protocol == "mysql") as port:
        said = ask(check(port, protocol))

    assert problem in said
    assert bool(said) == bool(problem)


def test_an_open_port_is_enough_for_other_servers():
    """Nothing is known of what they speak."""
    with server(b"") as port:
        assert ask(check(port)) == ""


def test_a_server_that_says_nothing_is_asked_again(monkeypatch: pytest.MonkeyPatch):
    """It accepts connections before it can serve."""
    monkeypatch.setattr(service_checks, "_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert ask(check(listening.getsockname()[1], "redis")) == "no answer"


def test_a_server_for_itself_only_is_not_ready(monkeypatch: pytest.MonkeyPatch):
    """MongoDB's image first starts a server on the loopback address, to make users."""
    monkeypatch.setattr(service_checks, "_own_address", lambda: "127.0.0.2")
    with server(b"") as port:
        assert "refused" in ask(check(port, "outside"))
        assert ask(check(port)) == ""

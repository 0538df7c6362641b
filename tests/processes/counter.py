"""Counting outside of all pods what jobs do: they say a line to a server of the test."""

from __future__ import annotations

import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Heard:
    """What jobs have said so far."""

    def __init__(self, port: int):
        self.port = port
        self.lines: Counter[str] = Counter()

    def say(self, line: str) -> str:
        """Give the shell command that says a line."""
        return f"bash -c 'echo {line} > /dev/tcp/127.0.0.1/{self.port}'"


@contextmanager
def counting() -> Iterator[Heard]:
    """Hear jobs for as long as the block lasts."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            heard.lines.update(line.decode().strip() for line in self.rfile)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        heard = Heard(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield heard
        server.shutdown()
        thread.join()

"""Counting outside of all pods what jobs do: they say a line to a server of the test."""

from __future__ import annotations

import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from processes.waiting import wait_until
from servers.address import address


class Heard:
    """What jobs have said so far; who says a line that is held waits until it is released."""

    def __init__(self, port: int):
        self.port = port
        self.lines: Counter[str] = Counter()
        self._held: dict[str, threading.Event] = {}

    def say(self, line: str) -> str:
        """Return the shell command that says a line."""
        talk = f"exec 3<>/dev/tcp/{address()}/{self.port}; echo {line} >&3; read answer <&3"
        return f"bash -c '{talk}'"

    def hold(self, line: str) -> None:
        """Make callers that say a line wait from now on."""
        self._held[line] = threading.Event()

    def release(self, line: str) -> None:
        """Let callers that say a line continue, now and later."""
        self._held.setdefault(line, threading.Event()).set()

    def hear(self, line: str) -> None:
        """Take a line; return when its sayer may go on."""
        self.lines[line] += 1
        if line in self._held:
            self._held[line].wait()

    def wait_for(self, line: str, times: int = 1) -> None:
        """Wait until a line was said so often."""
        wait_until(lambda: self.lines[line] >= times, f"a job that says {line!r}")

    def release_all(self) -> None:
        """Keep nobody any longer."""
        for held in self._held.values():
            held.set()


@contextmanager
def counting() -> Iterator[Heard]:
    """Hear jobs for as long as the block lasts."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            heard.hear(self.rfile.readline().decode().strip())
            with suppress(OSError):  # who is killed does not listen
                self.wfile.write(b"go\n")

    with socketserver.ThreadingTCPServer((address(), 0), Handler) as server:
        server.daemon_threads = True
        heard = Heard(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield heard
        finally:
            heard.release_all()
            server.shutdown()
            thread.join()

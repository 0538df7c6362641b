"""Bad days on order: refusals, rate limits, silence, cut connections, and servers that leak."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """What happens to requests instead of their answer.

    Attributes:
        path: a regular expression that is searched in `METHOD /path`.
        times: how often; -1 is always.
        status: that is answered; 0 lets the request through.
        cut: bytes of the answer that arrive before the connection ends; None: all of them.
        refuse: end the connection before the request is answered at all.
        gate: the answer waits for it.
        drip: the answer never ends, and comes byte by byte: its `head` or its `body`.
        echo: the answer holds the headers of the request, as chatty servers' errors do.
    """

    path: str = ""
    times: int = 1
    status: int = 0
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    refuse: bool = False
    gate: threading.Event | None = None
    drip: str = ""
    echo: bool = False

    def takes(self, request: str) -> bool:
        """Return whether it happens to a request, and count it."""
        if not self.times or not re.search(self.path, request):
            return False
        self.times -= self.times > 0
        return True


@dataclass
class Faults:
    """Those that are ordered; the first that fits happens."""

    ordered: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self, fault: Fault) -> None:
        """Order one."""
        with self._lock:
            self.ordered.append(fault)

    def clear(self) -> None:
        """Let everything work again."""
        with self._lock:
            self.ordered.clear()

    def of(self, request: str) -> Fault | None:
        """Find what happens to a request."""
        with self._lock:
            return next((fault for fault in self.ordered if fault.takes(request)), None)


def limit(path: str = "", times: int = 1, seconds: str = "1") -> Fault:
    """Order a rate limit, as GitLab's Rack::Attack answers."""
    headers = {"Retry-After": seconds, "RateLimit-Remaining": "0"}
    return Fault(path, times, status=429, body=b"Retry later\n", headers=headers)

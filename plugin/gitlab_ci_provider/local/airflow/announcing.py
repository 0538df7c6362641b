"""Has the API server wake scheduler and triggerer after requests that may give them work.

Most requests give them none: nine of ten are what a running task says and asks, such as its
heartbeats. They change the database, too, and a turn of the scheduler costs more than the request.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from gitlab_ci_provider.local.airflow.changes import announce

Asgi = Callable[[Any, Any, Any], Awaitable[None]]

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_QUIET = re.compile(
    r"/execution/(task-instances/[^/]+/(heartbeat|run|rtif)|xcoms/.*|store/.*|variables/.*)"
)


class Announcing:
    """Middleware: announces that the database has changed, after the request's last commit."""

    def __init__(self, app: Asgi, database: Path) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer a request."""
        await self._app(scope, receive, send)
        if scope["type"] == "http" and gives_work(scope["method"], scope["path"]):
            announce(self._database)


def gives_work(method: str, path: str) -> bool:
    """Return whether a request may have made work for the scheduler or the triggerer."""
    return method not in _READS and not _QUIET.fullmatch(path)

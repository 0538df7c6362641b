"""Airflow's API server on a database of made-up runs: `python -m servers.pages.serve PORT`."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from contextlib import closing
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from servers.pages.seed import seed
from servers.s3 import s3_server

QUERIES = "X-Queries"
"""The header of each answer that counts the queries of its request."""

FRIENDLY = "GITLAB_CI_TESTS_FRIENDLY"
"""Names the variable that asks for the runs of a friendly project."""

_counted: ContextVar[list[int] | None] = ContextVar("_counted", default=None)


def main(port: str) -> None:
    """Fill the database and an object store, then serve until the process is ended."""
    import uvicorn
    from airflow.api_fastapi.app import create_app
    from sqlalchemy import Engine, event

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the object store is ended, too
    home = Path(os.environ["AIRFLOW_HOME"])
    with closing(sqlite3.connect(home / "airflow.db")) as database:
        # As the embedded stack: requests of several tests read while others write.
        database.execute("PRAGMA journal_mode=WAL")
    with s3_server(home / "objects") as objects:
        os.environ["AIRFLOW_CONN_GITLAB_CI_OBJECT_STORE"] = objects.connection()
        seed(objects.put, friendly=bool(os.environ.get(FRIENDLY)))
        event.listen(Engine, "before_cursor_execute", _count)
        app = _Counting(create_app(apps="core"))
        try:
            uvicorn.run(app, port=int(port), log_level="warning", lifespan="on")
        finally:
            objects.kill()
            os._exit(0)  # threads of Airflow would keep the process


def _count(*_: Any) -> None:
    counter = _counted.get()
    if counter is not None:
        counter[0] += 1


class _Counting:
    """An ASGI application that counts the queries of another."""

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        counter = [0]
        _counted.set(counter)

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (QUERIES.lower().encode(), str(counter[0]).encode()),
                ]
            await send(message)

        await self.app(scope, receive, sent)


if __name__ == "__main__":
    main(sys.argv[1])

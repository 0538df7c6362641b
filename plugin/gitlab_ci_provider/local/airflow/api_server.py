"""Airflow's API server for SQLite: its audit log must not be written from the event loop.

A request that has written holds SQLite's only write lock until the event loop finishes it. When the
loop itself waits for that lock to write an entry of the audit log, as Airflow 3.3 does, nothing is
answered until SQLite gives up. Here a thread writes the entry, and the loop continues.

Runs in a process that was forked from one that has imported Airflow.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from gitlab_ci_provider.airflow_internals import startup
from gitlab_ci_provider.local.airflow.announcing import Announcing

LogAction = Callable[..., Awaitable[None]]


class _Entries:
    """Stands in for the session: collects what the audit log wants to write."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def add(self, entry: Any) -> None:
        """Collect an entry."""
        self.kept.append(entry)

    def commit(self) -> None:
        """Do nothing: a thread does it."""


def in_a_thread(action_logging: Callable[..., LogAction]) -> Callable[..., LogAction]:
    """Change Airflow's factory of audit log dependencies so that a thread writes the entries."""

    def factory(event: str | None = None) -> LogAction:
        original = action_logging(event)

        async def log_action(request: Any, session: Any, user: Any) -> None:
            from starlette.concurrency import run_in_threadpool

            entries = _Entries()
            await original(request, entries, user)
            await run_in_threadpool(_write, session, entries.kept)

        # FastAPI reads the signature to know what to pass.
        log_action.__signature__ = inspect.signature(original, eval_str=True)  # type: ignore[attr-defined]
        return log_action

    return factory


def _write(session: Any, entries: list[Any]) -> None:
    session.add_all(entries)
    session.commit()


def prepare() -> None:
    """Make the application, including what it would otherwise make on the first requests.

    Making its routes takes seconds, on a busy machine a minute: longer than a task waits for its
    first answer.
    """
    import gc

    startup.wrap_audit_log(in_a_thread)
    gc.disable()
    application = startup.api_application()
    application.add_middleware(Announcing, database=Path(os.environ["AIRFLOW_HOME"]) / "airflow.db")
    asyncio.run(_ask(application, "/execution/health", "/api/v2/version"))
    gc.enable()
    gc.freeze()


async def _ask(app: Any, *paths: str) -> None:
    import httpx

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for path in paths:
            (await client.get(path)).raise_for_status()


def main() -> None:
    """Run `airflow api-server` with the application that was prepared."""
    startup.run_command("api-server")

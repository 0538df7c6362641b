"""The audit log of Airflow's API server is written by a thread, not by the event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request

from gitlab_ci_provider.local.airflow.api_server import LogAction, in_a_thread


class Session:
    """Notes where it is committed."""

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self.threads: list[int] = []

    def add_all(self, entries: list[Any]) -> None:
        self.entries += entries

    def commit(self) -> None:
        self.threads.append(threading.get_ident())


SESSION = Session()
LOOP: list[int] = []


def airflows(event: str | None = None) -> LogAction:
    """Write an entry as Airflow's own dependency does."""

    async def log_action(
        request: Request, session: Annotated[Any, Depends(lambda: SESSION)], user: str = "me"
    ) -> None:
        LOOP.append(threading.get_ident())
        session.add(f"{event} of {request.url.path} by {user}")
        session.commit()

    return log_action


def test_a_thread_writes_what_airflow_logs():
    """FastAPI still passes request, session and user; only the writing has moved."""
    app = FastAPI()

    @app.get("/runs", dependencies=[Depends(in_a_thread(airflows)("look"))])
    def runs() -> str:
        return "fine"

    async def ask() -> tuple[int, list[str]]:
        import httpx

        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            answer = await client.get("/runs", params={"user": "you"})
            return answer.status_code, SESSION.entries

    assert asyncio.run(ask()) == (200, ["look of /runs by you"])
    assert len(SESSION.threads) == 1
    assert SESSION.threads != LOOP

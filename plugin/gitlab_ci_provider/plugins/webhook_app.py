"""The address that GitLab's webhooks call: `POST /gitlab-webhooks/<connection>`.

Airflow's users and permissions do not apply here: who knows the connection's secret may report
events, and nobody else can do anything. An answer comes after the event is stored; the rest is done
afterwards, see `events/worker.py`. What is no fault of GitLab's is answered with 2xx and words,
because GitLab disables a webhook that fails.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from gitlab_ci_provider.events.payload import IgnoredEventError, read_event
from gitlab_ci_provider.exceptions import ConfigError, GitlabCiError, SettingsError
from gitlab_ci_provider.gitlab_api.webhook_signature import (
    WebhookSecrets,
    is_genuine,
    may_come_in,
)
from gitlab_ci_provider.model.quoted import quoted, readable
from gitlab_ci_provider.model.webhook_event import WebhookEvent

MAX_BYTES = 25_000_000
"""GitLab sends no larger bodies."""
_LARGE, _LARGE_AT_ONCE = 1_000_000, 4
"""Of more bytes, or of unknown length, so many bodies are read at once: only afterwards is it
known whether the signature is right.
"""
_IDS = ("webhook-id", "idempotency-key", "x-gitlab-event-uuid")
_LONGEST_ID = 200
_READ_SECONDS = 30.0
"""For a whole body; GitLab itself gives up after ten."""

_log = logging.getLogger(__name__)


class Reception(Protocol):
    """What the address needs."""

    def secrets(self, conn_id: str) -> WebhookSecrets | None:
        """Return the secrets of a connection; None when webhooks may not use it."""
        ...

    def add(self, event: WebhookEvent) -> bool:
        """Store an event; False if it was stored before."""
        ...

    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        ...

    def start(self) -> None:
        """Begin to handle events: also those that another process has left."""
        ...

    def stop(self) -> None:
        """Stop that."""
        ...


class _RefusedError(Exception):
    def __init__(self, status: int, words: str):
        super().__init__(words)
        self.answer = _said(words, status)


@dataclass(frozen=True, slots=True)
class _Sender:
    """Who has sent a request.

    Attributes:
        conn_id: whose webhook it is.
        id: of the event.
    """

    conn_id: str
    secrets: WebhookSecrets
    id: str


def make_app(reception: Reception) -> FastAPI:
    """Make the application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        reception.start()
        yield
        reception.stop()

    large = asyncio.Semaphore(_LARGE_AT_ONCE)
    app = FastAPI(title="GitLab webhooks", lifespan=lifespan, openapi_url=None)

    async def receive(request: Request, conn_id: str) -> JSONResponse:
        try:
            sender = await run_in_threadpool(_sender, reception, request, conn_id)
            async with asyncio.timeout(_READ_SECONDS):
                body = await _body(request, large)
            if not is_genuine(sender.secrets, request.headers, body):
                raise _unknown()
            event = _event(sender, body, reception.now())
            return await run_in_threadpool(_stored, reception, event)
        except _RefusedError as refused:
            return refused.answer
        except TimeoutError:
            return _said(f"the body did not arrive within {_READ_SECONDS:g} s", 408)
        except ClientDisconnect:  # GitLab waits for ten seconds
            _log.error("webhook: the sender did not wait until its event was read: send it again")
            return _said("the event was not read", 400)  # nobody reads this either

    app.add_api_route("/{conn_id}", receive, methods=["POST"])
    return app


def _sender(reception: Reception, request: Request, conn_id: str) -> _Sender:
    """Check who it is, before anything is read."""
    try:
        secrets = reception.secrets(conn_id)
    except SettingsError as problem:
        _log.error("webhooks of '%s' are refused: %s", quoted(conn_id, 50), problem)
        raise _unknown() from problem
    if secrets is None or not may_come_in(secrets, request.headers, reception.now()):
        raise _unknown()
    given = next((found for name in _IDS if (found := request.headers.get(name))), "")
    if not given or len(given) > _LONGEST_ID:
        raise _RefusedError(400, f"the event has no ID: none of the headers {', '.join(_IDS)}")
    return _Sender(conn_id, secrets, f"{conn_id}/{given}")


async def _body(request: Request, large: asyncio.Semaphore) -> bytes:
    announced = request.headers.get("content-length", "")
    whole = "transfer-encoding" not in request.headers and announced.isdecimal()
    async with nullcontext() if whole and int(announced) <= _LARGE else large:
        return await _read(request, announced or "0")


async def _read(request: Request, announced: str) -> bytes:
    read = bytearray()
    if announced.isdecimal() and int(announced) <= MAX_BYTES:
        async for part in request.stream():
            read += part
            if len(read) > MAX_BYTES:
                break
        else:
            return bytes(read)
    raise _RefusedError(413, f"the body has more than {MAX_BYTES} bytes")


def _event(sender: _Sender, body: bytes, now: float) -> WebhookEvent:
    try:
        decoded: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        event = read_event(decoded, sender.id, sender.secrets.url, now)
        return replace(event, conn_id=sender.conn_id)
    except IgnoredEventError as why:
        raise _RefusedError(200, f"ignored: {why}") from why
    except (msgspec.DecodeError, RecursionError, ConfigError) as problem:
        words = f"the event cannot be read: {readable(str(problem))}"
        _log.warning("webhook: %s", words)
        raise _RefusedError(400, words) from problem


def _stored(reception: Reception, event: WebhookEvent) -> JSONResponse:
    try:
        new = reception.add(event)
    except GitlabCiError as problem:
        _log.error("webhook: %s of %s is lost unless GitLab sends it again: %s",
                   event.what, event.project, problem)  # fmt: skip
        raise _RefusedError(503, "the event cannot be stored now; send it again") from problem
    if not new:
        return _said("this event was received before", 200)
    _log.info("webhook: %s of %s is received", event.what, event.project)
    return _said(f"{event.what} of {event.project}: received", 202)


def _unknown() -> _RefusedError:
    """Refuse without a hint of what is wrong."""
    return _RefusedError(401, "no such webhook, or not its secret")


def _said(words: str, status: int) -> JSONResponse:
    return JSONResponse({"message": words}, status)

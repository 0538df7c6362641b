"""GitLab's trigger API: `POST /gitlab-api/v4/projects/:id/trigger/pipeline`.

Airflow's users and permissions do not apply here: a trigger token starts pipelines of its project,
and nothing else. For people and programs with a login there is Airflow's own API.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from gitlab_ci_provider.events.trigger import gather, read_trigger
from gitlab_ci_provider.exceptions import ConfigError, GitlabCiError, SettingsError
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.model.quoted import quoted, readable
from gitlab_ci_provider.model.webhook_event import WebhookEvent

MAX_BYTES = 2_000_000
_MOST_FIELDS = 1000
_LONGEST_KEY = 200
_READ_SECONDS = 30.0
"""For a whole body."""
_KEY = "idempotency-key"

_log = logging.getLogger(__name__)


class TriggerDesk(Protocol):
    """What the address needs."""

    def project(self, name: str, token: str) -> Project | None:
        """Find the project of a path or number, if this is one of its trigger tokens."""
        ...

    def add(self, event: WebhookEvent) -> bool:
        """Store an event; False if it was stored before."""
        ...

    def run(self, event: WebhookEvent) -> str:
        """Name the run that an event starts."""
        ...

    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        ...


class _RefusedError(Exception):
    def __init__(self, status: int, words: str):
        super().__init__(words)
        self.answer = JSONResponse({"message": words}, status)


def make_trigger_app(desk: TriggerDesk) -> FastAPI:
    """Make the application."""
    app = FastAPI(title="GitLab's trigger API", openapi_url=None)

    async def trigger(request: Request, project: str) -> JSONResponse:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                given = await _given(request)
            return await run_in_threadpool(_started, desk, request, project, given)
        except _RefusedError as refused:
            return refused.answer
        except TimeoutError:
            words = f"the body did not arrive within {_READ_SECONDS:g} s"
            return _RefusedError(408, words).answer

    app.add_api_route("/projects/{project:path}/trigger/pipeline", trigger, methods=["POST"])
    return app


async def _given(request: Request) -> Mapping[str, Any]:
    """Read the parameters: of the query, and of a body of at most two megabytes."""
    length = request.headers.get("content-length", "")
    # A body is read as a whole. With pieces, some servers let it be longer than it says.
    if "transfer-encoding" in request.headers or not length.isdecimal() or int(length) > MAX_BYTES:
        raise _RefusedError(413, f"the body has no length, or more than {MAX_BYTES} bytes")
    try:
        asked = gather(request.query_params.multi_items())
        if "token" in asked:
            raise _RefusedError(400, "send the token in the body: addresses are in logs")
        if request.headers.get("content-type", "").startswith("application/json"):
            body = msgspec.json.decode(await request.body(), type=dict[str, Any])
        else:
            async with request.form(max_fields=_MOST_FIELDS, max_files=0) as form:
                body = gather(form.multi_items())
    except (ConfigError, msgspec.DecodeError, RecursionError) as problem:
        raise _RefusedError(400, readable(str(problem))) from problem
    except (HTTPException, MultiPartException) as problem:
        raise _RefusedError(400, "the form cannot be read") from problem
    return {**asked, **body}


def _started(
    desk: TriggerDesk, request: Request, name: str, given: Mapping[str, Any]
) -> JSONResponse:
    try:
        event = _event(desk, request, name, given)
        run = desk.run(event)
        desk.add(event)
    except GitlabCiError as problem:
        _log.error("a trigger of project %s is refused: %s", quoted(name), problem)
        raise _RefusedError(503, "the request cannot be stored now; send it again") from problem
    answer = {
        "message": f"{event.what} of {event.project}: received",
        "ref": given["ref"],
        "source": "trigger",
        "status": "created",
        "run_id": run,
    }
    return JSONResponse(answer, 201)


def _event(
    desk: TriggerDesk, request: Request, name: str, given: Mapping[str, Any]
) -> WebhookEvent:
    token = given.get("token")
    if not isinstance(token, str) or not token:
        raise _RefusedError(400, "token is missing")
    try:
        project = desk.project(name, token)
    except SettingsError as problem:
        _log.error("trigger tokens are refused: %s", problem)
        project = None
    if project is None:  # as GitLab answers: no hint whether there is such a project
        raise _RefusedError(404, "404 Not Found")
    key = request.headers.get(_KEY) or str(uuid.uuid4())
    if len(key) > _LONGEST_KEY:
        raise _RefusedError(400, f"{_KEY} is too long")
    try:
        return read_trigger(given, project, f"trigger/{project.path}/{key}", desk.now())
    except ConfigError as problem:
        raise _RefusedError(400, readable(str(problem))) from problem

"""The addresses of the pipeline page. Airflow asks nobody: each route names what it requires.

Imported by the API server only, see `plugin.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response

from gitlab_ci_provider.airflow_internals.api_access import (
    LOGGED_IN,
    CurrentUser,
    DatabaseSession,
    Method,
    may,
    requires,
)
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.plugins.page.reading import look, read_pipeline
from gitlab_ci_provider.plugins.page.static import StaticFile, static_file

_ACTIONS: Mapping[str, tuple[Method, str]] = {
    "clear": ("PUT", "TASK_INSTANCE"),
    "answer": ("PUT", "HITL_DETAIL"),
    "cancel": ("PUT", "RUN"),
    "run": ("POST", "RUN"),
}
"""What the buttons of the page need, as the routes of Airflow's API that they call do."""

_NOT_SNIFFED = {"X-Content-Type-Options": "nosniff"}

router = APIRouter()


@router.get("/dags/{dag_id}/runs/{run_id}", dependencies=requires("RUN", "TASK_INSTANCE", "XCOM"))
def pipeline(
    dag_id: str, run_id: str, request: Request, session: DatabaseSession, user: CurrentUser
) -> Response:
    """Show a run; 304 when nothing has changed since the version that the reader has."""
    allowed = may(user, dag_id, _ACTIONS)
    seen = look(session, dag_id, run_id, reader=repr(allowed))
    if seen is None:
        raise HTTPException(404, "There is no such run.")
    headers = {"ETag": f'"{seen.version}"', "Cache-Control": "private, no-cache", **_NOT_SNIFFED}
    if seen.version in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    body = encode(read_pipeline(session, seen, allowed))
    return Response(body, media_type="application/json", headers=headers)


@router.get("/{name}", dependencies=[LOGGED_IN])
def static(name: str, request: Request) -> Response:
    """Serve the page's own files."""
    file = static_file(name)
    if file is None:
        raise HTTPException(404, "There is no such file.")
    return _sent(file, request)


def _sent(file: StaticFile, request: Request) -> Response:
    headers = {"ETag": f'"{file.version}"', "Cache-Control": "private, no-cache", **_NOT_SNIFFED}
    if file.version in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.kind, headers=headers)


def make_application() -> FastAPI:
    """Make the application."""
    application = FastAPI(
        title="GitLab CI pipeline page", docs_url=None, redoc_url=None, openapi_url=None
    )
    application.include_router(router)
    return application

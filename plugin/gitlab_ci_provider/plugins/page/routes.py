"""The addresses of the pipeline page. Airflow asks nobody: each route names what it requires.

Imported by the API server only, see `plugin.py`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse

from gitlab_ci_provider.airflow_internals.api_access import (
    LOGGED_IN,
    Actions,
    CurrentUser,
    DatabaseSession,
    changes_dag,
    may,
    may_see_runs,
    requires,
)
from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.begun_note import begun_note
from gitlab_ci_provider.model.serialization import digest, encode
from gitlab_ci_provider.plugins.page import run_routes
from gitlab_ci_provider.plugins.page.answers import NOT_SNIFFED
from gitlab_ci_provider.plugins.page.new_run import Asked, new_run_id
from gitlab_ci_provider.plugins.page.projects import Wanted, read_projects
from gitlab_ci_provider.plugins.page.reading import look, read_pipeline
from gitlab_ci_provider.plugins.page.related import read_related
from gitlab_ci_provider.plugins.page.static import StaticFile, static_file
from gitlab_ci_provider.plugins.page.sync_now import BusyError, sync_now
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state

_ACTIONS: Actions = {
    "clear": ("PUT", "TASK_INSTANCE"),
    "answer": ("PUT", "HITL_DETAIL"),
    "cancel": ("PUT", "RUN"),
    "run": ("POST", "RUN"),
}
"""What the buttons of the page need, as the routes of Airflow's API that they call do."""

_ASK_AGAIN = "private, no-cache"
_FOR_EVER = "private, max-age=31536000, immutable"

_ON_PROJECTS: Actions = {"run": ("POST", "RUN"), "sync": ("PUT", "")}

router = APIRouter()
router.include_router(run_routes.router)


@router.get("/dags/{dag_id}/runs/{run_id}", dependencies=requires("RUN", "TASK_INSTANCE", "XCOM"))
def pipeline(
    dag_id: str, run_id: str, request: Request, session: DatabaseSession, user: CurrentUser
) -> Response:
    """Show a run; 304 when nothing has changed since the version that the reader has."""
    allowed = may(user, dag_id, _ACTIONS)
    seen = look(session, dag_id, run_id, reader=repr(allowed))
    if seen is None:
        raise HTTPException(404, "There is no such run.")
    headers = {"ETag": f'"{seen.version}"', "Cache-Control": _ASK_AGAIN, **NOT_SNIFFED}
    if seen.version in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    body = encode(read_pipeline(session, seen, allowed))
    return Response(body, media_type="application/json", headers=headers)


@router.get(
    "/dags/{dag_id}/runs/{run_id}/related", dependencies=requires("RUN", "TASK_INSTANCE", "XCOM")
)
def related(
    dag_id: str, run_id: str, request: Request, session: DatabaseSession, user: CurrentUser
) -> Response:
    """Show the pipelines above and below a run, as far as the reader may see them."""
    found = read_related(session, user, dag_id, run_id)
    if found is None:
        raise HTTPException(404, "There is no such run.")
    return _versioned(encode(found), request)


@router.get("/pipelines/{number}", dependencies=requires("RUN"))
def numbered(number: int, user: CurrentUser) -> dict[str, str]:
    """Find the run of a pipeline by CI_PIPELINE_ID."""
    entry = open_state(load_settings()).register.get(number)
    if entry is None or not may_see_runs(user, [entry.dag_id]):
        raise HTTPException(404, f"There is no pipeline {number} that you may see.")
    return {"dag": entry.dag_id, "run": entry.run_id}


@router.get("/projects", dependencies=requires("RUN", "TASK_INSTANCE", "XCOM"))
def projects(
    request: Request,
    session: DatabaseSession,
    user: CurrentUser,
    search: Annotated[str, Query(max_length=200)] = "",
    errors: bool = False,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """List the projects that the reader may see, with their last pipelines."""
    wanted = Wanted(search=search, errors=errors, page=page, actions=_ON_PROJECTS)
    return _versioned(encode(read_projects(session, user, wanted)), request)


@router.post("/dags/{dag_id}/run-id", dependencies=requires("RUN", method="POST"))
def run_id(
    dag_id: str, asked: Asked, session: DatabaseSession, user: CurrentUser
) -> dict[str, str]:
    """Name a run that is about to be started, and word its note.

    The name is empty when the state cannot be reached.
    """
    named = new_run_id(session, dag_id, asked.ref, asked.sha)
    return {"run_id": named, "note": begun_note(asked.model_dump(), user.get_name())}


@router.post("/dags/{dag_id}/sync", dependencies=changes_dag("gitlab_ci_sync"))
def sync(dag_id: str) -> Response:
    """Sync a project."""
    try:
        return Response(encode(sync_now(dag_id)), media_type="application/json")
    except BusyError as busy:
        raise HTTPException(503, str(busy)) from busy
    except StateError as problem:
        raise HTTPException(404, str(problem)) from problem


@router.get("/{name}", dependencies=[LOGGED_IN])
def static(name: str, request: Request, v: str = "") -> Response:
    """Serve the page's own files; one that is asked for by its version never changes."""
    file = static_file(name)
    if file is None:
        raise HTTPException(404, "There is no such file.")
    return _sent(file, request, _FOR_EVER if v == file.version else _ASK_AGAIN)


def _versioned(body: bytes, request: Request) -> Response:
    """Send data; 304 when the reader has the same."""
    content = StaticFile(content=body, kind="application/json", version=digest(body)[:32])
    return _sent(content, request)


def _sent(file: StaticFile, request: Request, keep: str = _ASK_AGAIN) -> Response:
    headers = {"ETag": f'"{file.version}"', "Cache-Control": keep, **NOT_SNIFFED}
    if file.version in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.kind, headers=headers)


def _unreachable(_: Request, problem: Exception) -> Response:
    """Say that the state cannot be read, and where it was looked for."""
    return JSONResponse({"detail": str(problem)}, 503, headers=NOT_SNIFFED)


def make_application() -> FastAPI:
    """Make the application."""
    application = FastAPI(
        title="GitLab CI pipeline page", docs_url=None, redoc_url=None, openapi_url=None
    )
    application.include_router(router)
    application.add_exception_handler(StateError, _unreachable)
    return application

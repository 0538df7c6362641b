"""The addresses of what hangs off the jobs of a run: artifacts, tests, environments, variables.

Airflow asks nobody: all of them require that a user may read the run, its XComs and its logs.

What jobs have made is for those who may read their logs. `artifacts:access` holds as well: what is
for developers is for those who may act on the jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse

from gitlab_ci_provider.airflow_internals.api_access import (
    CurrentUser,
    DatabaseSession,
    Method,
    may,
    requires,
)
from gitlab_ci_provider.airflow_internals.secret_names import is_secret_name
from gitlab_ci_provider.model.serialization import digest
from gitlab_ci_provider.plugins.page import junit, quality
from gitlab_ci_provider.plugins.page.answers import NOT_SNIFFED, answer, told
from gitlab_ci_provider.plugins.page.artifacts import (
    archive_pieces,
    archive_view,
    asked_part,
    attachment,
    begun,
    file_pieces,
    folder_view,
)
from gitlab_ci_provider.plugins.page.environments import (
    EnvironmentsView,
    environment_views,
    release_view,
)
from gitlab_ci_provider.plugins.page.junit import JUNIT
from gitlab_ci_provider.plugins.page.left import (
    LARGEST_INDEX,
    LeftArchive,
    LeftByRun,
    OneTry,
    open_shelf,
    permission,
    read_left,
)
from gitlab_ci_provider.plugins.page.quality import QUALITY
from gitlab_ci_provider.plugins.page.reports import ReportShelf, find_earlier
from gitlab_ci_provider.plugins.page.variables import VariablesView, variables_view
from gitlab_ci_provider.retention.catalog import ARCHIVE, read_index
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state
from gitlab_ci_provider.storage.index import ArtifactIndex
from gitlab_ci_provider.storage.shelf import ObjectShelf

_ACT: Mapping[str, tuple[Method, str]] = {"act": ("PUT", "TASK_INSTANCE")}
"""What developers may do."""

_SHOWN = ("RUN", "TASK_INSTANCE", "XCOM", "TASK_LOGS")
_SEE: Mapping[str, tuple[Method, str]] = {name: ("GET", name) for name in _SHOWN}
_MOST_DEPLOYMENTS = 200

_NO_INDEX = (
    "These artifacts are no longer in the object store, or have too many files to be shown here. "
    "`gitlab-dags artifacts` shows those that are there."
)

_FOR_ALL = "all"

_SAFE = {
    **NOT_SNIFFED,
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Content-Encoding": "identity",
}
"""Headers of what jobs have made: no browser runs it here, whatever it is, and Airflow's API server
does not compress it."""

_RUN = "/dags/{dag_id}/runs/{run_id}"
_ARCHIVE = _RUN + "/artifacts/{task}/{kind}"

router = APIRouter(dependencies=requires(*_SHOWN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An archive that a reader has asked for; `refusal` says why they do not get its files."""

    shelf: ObjectShelf
    archive: LeftArchive
    index: ArtifactIndex
    refusal: str

    def sent(self, pieces: Iterator[bytes], name: str) -> Response:
        """Send some of it as a download.

        Raises:
            HTTPException: it is refused, or cannot be read.
        """
        if self.refusal:
            raise HTTPException(403, f"These artifacts cannot be downloaded: {self.refusal}.")
        with told():
            headers = {**_SAFE, "Content-Disposition": attachment(name)}
            body = begun(pieces)
        return StreamingResponse(body, media_type="application/octet-stream", headers=headers)


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that a reader asks about; the fields are those of its routes."""

    dag_id: str
    run_id: str
    session: DatabaseSession
    user: CurrentUser

    def left(self) -> LeftByRun | None:
        """Read what its jobs have left; None without a pipeline."""
        return read_left(self.session, self.dag_id, self.run_id)

    def compared(self, kind: str, show: Callable[[ReportShelf, LeftByRun, Any], object]) -> object:
        """Show reports of a kind next to those of an earlier pipeline; None without any."""
        left = self.left()
        if left is None or not left.has(kind):
            return None
        earlier = find_earlier(self.session, left, kind, self._may_see)
        return show(ReportShelf(open_shelf()), left, earlier)

    def _may_see(self, dag: str) -> bool:
        return all(may(self.user, dag, _SEE).values())


AskedRun = Annotated[Asked, Depends()]
Attempt = Annotated[int, Query(ge=0, le=100_000)]
"""A try of the jobs; 0 is the newest of each."""


def _opened(asked: AskedRun, task: str, kind: str, attempt: Attempt = 0) -> Opened:
    """Open an archive.

    Raises:
        HTTPException: there is none, or the object store does not answer.
    """
    with told():
        left = asked.left()
        found = None if left is None else _archive(left, task, kind, attempt)
        if left is None or found is None:
            raise HTTPException(404, "This job has left no such artifacts.")
        shelf = open_shelf()
        index = read_index(shelf, found.key, LARGEST_INDEX)
        if index is None:
            raise HTTPException(404, _NO_INDEX)
        refusal = permission().refusal(left.record.id, index)
        if not refusal and index.access != _FOR_ALL:
            refusal = "" if may(asked.user, asked.dag_id, _ACT)["act"] else _denied(index.access)
        return Opened(shelf=shelf, archive=found, index=index, refusal=refusal)


def _archive(left: LeftByRun, task: str, kind: str, attempt: int) -> LeftArchive | None:
    if not attempt:
        return left.archive(task, kind)
    one = OneTry(left=left, shelf=open_shelf(), attempt=attempt)
    return next(one.archives(task, kind), None)


def _denied(access: str) -> str:
    return f"they are for those who may act on the jobs (artifacts:access: {access})"


OpenedArchive = Annotated[Opened, Depends(_opened)]


@router.get(f"{_RUN}/artifacts")
def artifacts(asked: AskedRun, attempt: Attempt = 0) -> Response:
    """List the archives of a run's jobs."""
    with told():
        left = asked.left()
        if left is None:
            return answer([])
        one = OneTry(left=left, shelf=open_shelf(), attempt=attempt) if attempt else left
        return answer([archive_view(archive) for archive in one.archives()])


@router.get(_ARCHIVE)
def contents(opened: OpenedArchive, folder: str = "", find: str = "") -> Response:
    """List a folder of an archive, or find files in it."""
    return answer(folder_view(opened.archive, opened.index, folder, find, opened.refusal))


@router.get(f"{_ARCHIVE}/files")
def files(opened: OpenedArchive) -> Response:
    """List all that is in an archive, for programs: the page asks for a folder."""
    found = opened.index.files
    return answer([{"path": one.path, "size": one.size, "mode": one.mode} for one in found])


@router.get(f"{_ARCHIVE}/file")
def file(opened: OpenedArchive, path: str) -> Response:
    """Send a file of an archive."""
    pieces = file_pieces(opened.shelf, opened.index, opened.archive.key, path)
    return opened.sent(pieces, path.rpartition("/")[2])


@router.get(f"{_ARCHIVE}/archive.zip")
def whole(opened: OpenedArchive, request: Request) -> Response:
    """Send an archive as it is, or a part of it, so that a broken download can be resumed."""
    archive, shelf = opened.archive, opened.shelf
    with told():
        size = shelf.size(archive.key)
    version = f'"{digest(archive.key.encode())[:32]}"'  # another try has another key
    same = request.headers.get("If-Range", version) == version
    part = asked_part(request.headers.get("Range", ""), size) if same else None
    if part is not None and not part:
        raise HTTPException(416, "no such part", {"Content-Range": f"bytes */{size}"})
    sent = range(size) if part is None else part
    name = archive.name if archive.kind == ARCHIVE else f"{archive.job.name}-{archive.kind}"
    response = opened.sent(archive_pieces(shelf, archive.key, sent), f"{name}.zip")
    response.headers.update(
        {"Content-Length": str(len(sent)), "Accept-Ranges": "bytes", "ETag": version}
    )
    if part is not None:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {sent.start}-{sent.stop - 1}/{size}"
    return response


@router.get(f"{_RUN}/tests")
def tests(asked: AskedRun) -> Response:
    """Show the tests of a run's jobs."""
    with told():
        return answer(asked.compared(JUNIT, junit.compared) or junit.TestsView())


@router.get(f"{_RUN}/quality")
def code_quality(asked: AskedRun) -> Response:
    """Show what the code quality reports of a run's jobs have found."""
    with told():
        return answer(asked.compared(QUALITY, quality.compared) or quality.QualityView())


@router.get(f"{_RUN}/environments")
def environments(asked: AskedRun) -> Response:
    """Show the environments of a run's project, and the releases that its jobs ask for."""
    with told():
        left = asked.left()
        return answer(EnvironmentsView() if left is None else _environments(left))


def _environments(left: LeftByRun) -> EnvironmentsView:
    record, kept = left.record, open_state(load_settings()).environments
    project = record.project.path
    history = kept.history(project, _MOST_DEPLOYMENTS)
    releases = ((job.name, result.release) for _, job, result in left.jobs())
    return EnvironmentsView(
        environments=environment_views(kept.of_project(project), history, record.id),
        releases=tuple(release_view(job, release) for job, release in releases if release),
    )


@router.get(f"{_RUN}/variables")
def variables(asked: AskedRun) -> Response:
    """Show the variables of a run's pipeline, but no secret."""
    with told():
        left = asked.left()
        if left is None:
            return answer(VariablesView())
        return answer(variables_view(left.record, left.pipeline, is_secret_name))

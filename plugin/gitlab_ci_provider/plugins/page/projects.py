"""The list of projects: how their configuration does, and their last pipelines.

A page of it costs the same number of queries, however many projects and pipelines there are. What
the state has of a DAG is read again only when it has changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Any

from gitlab_ci_provider.airflow_internals.api_access import (
    Actions,
    may_each,
    may_see_runs,
    readable_dags,
)
from gitlab_ci_provider.airflow_internals.many_runs import DagRow, newest_runs, read_dags
from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord, kind_of
from gitlab_ci_provider.model.diagnostic import Diagnostic
from gitlab_ci_provider.model.names import owner_of
from gitlab_ci_provider.plugins.page.brief import BriefView, read_briefs
from gitlab_ci_provider.plugins.page.jobs import safe_url
from gitlab_ci_provider.plugins.page.pipeline import file_page
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.state import open_state

PAGE = 25
"""Projects of a page."""

_RUNS = 12
"""Of each DAG."""

_SECONDS = 4
"""For so long, all readers of this process share one look at what there is in the state."""

_REFS = 5
_DIAGNOSTICS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticView:
    """A finding of the last sync; `url` is its line on the GitLab server, if that is known."""

    severity: str
    code: str
    message: str
    file: str
    line: int
    hint: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectView:
    """A project.

    Attributes:
        ref, sha: what was synced last.
        runs: it has a DAG, so pipelines can be created.
        broken: Airflow cannot read the DAG's file, though its configuration compiles.
        diagnostics: at most 20.
        errors, warnings: how many there are of all.
        pipelines: the newest of each ref, the newest first.
        problem: why less is shown than there is.
    """

    dag: str
    path: str
    url: str = ""
    ref: str = ""
    sha: str = ""
    runs: bool = False
    paused: bool = False
    broken: bool = False
    schedules: tuple[str, ...] = ()
    diagnostics: tuple[DiagnosticView, ...] = ()
    errors: int = 0
    warnings: int = 0
    pipelines: tuple[BriefView, ...] = ()
    problem: str = ""
    may: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectsView:
    """A page of the list; `total` counts the projects of all pages."""

    projects: tuple[ProjectView, ...]
    total: int
    page: int
    size: int = PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which part of the list.

    Attributes:
        search: a piece of the path.
        errors: only projects without a current pipeline, because of errors.
        page: from 1.
        actions: what buttons there are.
    """

    search: str = ""
    errors: bool = False
    page: int = 1
    actions: Actions = field(default_factory=dict)


def read_projects(session: Any, user: Any, wanted: Wanted) -> ProjectsView:
    """Read a page of the projects that a user may read.

    Raises:
        StateError: the state cannot be reached.
    """
    store = open_state(load_settings()).snapshots
    versions = _versions(store.records.location(""), int(monotonic() / _SECONDS))
    names = [name for name in versions if kind_of(name) is not DagKind.CHILD]
    known = read_dags(session, names)
    readable = readable_dags(user, names, known)
    search = wanted.search.strip().replace("/", "__").lower()
    matching = sorted(
        name for name in readable if kind_of(name) is DagKind.PROJECT and search in name.lower()
    )
    if wanted.errors:
        matching = [
            name
            for name in matching
            if _is_broken(_record(store, name, versions[name]), known.get(name))
        ]
    shown = matching[(wanted.page - 1) * PAGE : wanted.page * PAGE]
    dags = may_see_runs(user, [name for name in readable if owner_of(name) in set(shown)])
    pipelines = _by_project(read_briefs(session, newest_runs(session, dags, _RUNS)))
    may = may_each(user, shown, wanted.actions)
    views = (
        _view(name, _record(store, name, versions[name]), known.get(name), pipelines, may[name])
        for name in shown
    )
    return ProjectsView(projects=tuple(views), total=len(matching), page=wanted.page)


def forget_versions() -> None:
    """Look at the state again next time, because it has just changed."""
    _versions.cache_clear()


@lru_cache(maxsize=1)
def _versions(_place: str, _moment: int) -> Mapping[str, str]:
    return open_state(load_settings()).snapshots.dag_versions()


def _is_broken(record: DagRecord | StateError, dag: DagRow | None) -> bool:
    unread = dag is not None and dag.broken
    return unread or isinstance(record, StateError) or bool(record.errors)


def _by_project(pipelines: Iterable[BriefView]) -> Mapping[str, list[BriefView]]:
    """Choose the newest pipeline of each ref or merge request, by project."""
    found: dict[str, dict[object, BriefView]] = defaultdict(dict)
    for pipeline in pipelines:
        about = pipeline.about
        if about is None and pipeline.moved:
            continue
        ref = (about.merge_request, about.tag, about.ref) if about else pipeline.run
        found[owner_of(pipeline.dag)].setdefault(ref, pipeline)
    return {project: [*refs.values()][:_REFS] for project, refs in found.items()}


def _view(
    name: str,
    record: DagRecord | StateError,
    dag: DagRow | None,
    pipelines: Mapping[str, Collection[BriefView]],
    may: Mapping[str, bool],
) -> ProjectView:
    """Show a project, also one whose record cannot be read."""
    given: dict[str, Any] = {
        "dag": name,
        "runs": dag is not None and not dag.stale,
        "paused": dag is not None and dag.paused,
        "pipelines": tuple(pipelines.get(name, ())),
        "may": may,
    }
    if isinstance(record, StateError):
        return ProjectView(path=name.replace("__", "/"), problem=str(record), **given)
    return ProjectView(
        path=record.project.path,
        url=safe_url(record.project.web_url),
        ref=record.ref.name,
        sha=record.ref.sha,
        broken=dag is not None and dag.broken and not record.errors,
        schedules=tuple(schedule.description for schedule in record.schedules),
        diagnostics=tuple(_shown(record, found) for found in record.diagnostics[:_DIAGNOSTICS]),
        errors=len(record.errors),
        warnings=len(record.diagnostics) - len(record.errors),
        **given,
    )


def _shown(record: DagRecord, found: Diagnostic) -> DiagnosticView:
    at = found.location
    own = at.file == record.config_path and bool(record.ref.sha)
    return DiagnosticView(
        severity=found.severity,
        code=found.code,
        message=found.message,
        file=at.file,
        line=at.line,
        hint=found.hint or "",
        url=file_page(record.project, record.ref.sha, at.file, at.line) if own else "",
    )


def _record(store: SnapshotStore, name: str, version: str) -> DagRecord | StateError:
    try:
        return _read(store.records.location(name), name, version)
    except StateError as problem:
        return problem


@lru_cache(maxsize=4096)
def _read(_place: str, name: str, _version: str) -> DagRecord:
    return open_state(load_settings()).snapshots.load_dag(name)

"""From one repository to one snapshot: fetch, compile, store. Errors stay with the repository."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitlab_ci_provider.compiler.compile import compile_pipeline
from gitlab_ci_provider.config.includes.fetcher import Elsewhere
from gitlab_ci_provider.discovery.children import ChildSync, Slotted, unchanged
from gitlab_ci_provider.discovery.repositories import clone_url, project_of
from gitlab_ci_provider.discovery.schedules import find_schedules
from gitlab_ci_provider.exceptions import GitlabCiError, StateAwayError
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.diagnostic import Diagnostic, error
from gitlab_ci_provider.model.diagnostic import SourceLocation as At
from gitlab_ci_provider.model.git_login import GitLogin
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import CONFIG_PATH, Project, Ref, is_commit_id
from gitlab_ci_provider.model.quoted import hide_credentials
from gitlab_ci_provider.snapshots.refs import (
    has_name_of_topology,
    record_of_ref,
    record_of_topology,
)
from gitlab_ci_provider.sources.gitlab import GitlabElsewhere
from gitlab_ci_provider.sources.neighbours import Neighbours
from gitlab_ci_provider.sources.open_repository import open_repository
from gitlab_ci_provider.sources.remote import RemoteFiles
from gitlab_ci_provider.sources.repository import Repository
from gitlab_ci_provider.state import State

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """The result for one repository.

    Attributes:
        record: of the DAG that runs the ref; None when the repository could not be read, or when
            a ref other than the default branch does not compile.
        digest: of the pipeline at the commit that was read; None when it does not compile.
    """

    location: str
    record: DagRecord | None
    digest: str | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Return whether the commit has a pipeline that can run."""
        return self.digest is not None


@dataclass(frozen=True, slots=True)
class Sync:
    """Reads repositories into the snapshots.

    Attributes:
        logins: finds the login for the server of a URL; without one, git's own settings count.
        gitlab: finds the GitLab that a URL is on, to include from it by its API; without one,
            includes are read by git.
        optional: a project without the configuration file is no error: it has no DAG.
        include_hosts: patterns of hosts that `include:remote` may ask.
        schedules: whether GitLab is asked for the pipeline schedules of projects.
        slotted: says where Airflow runs the tasks of a pipeline's jobs; gets what was shown before.
    """

    state: State
    mirrors: Path
    config_path: str = CONFIG_PATH
    logins: Callable[[str], GitLogin | None] = lambda _: None
    gitlab: Callable[[str], GitLabServer | None] = lambda _: None
    include_hosts: Sequence[str] = ()
    optional: bool = False
    schedules: bool = True
    slotted: Slotted = unchanged

    def all(self, locations: Iterable[str], ref: str | None = None) -> list[SyncResult]:
        """Sync each repository; one that fails does not stop the others."""
        return [self.one(location, ref) for location in locations]

    def one(self, location: str, ref: str | None = None, sha: str = "") -> SyncResult:
        """Sync one repository: its default branch, another ref, or an earlier commit of a ref.

        A DAG that runs hold keeps its topology. A commit with another topology gets a DAG named
        after it, until a later sync finds that the runs have ended.

        Another ref gets a DAG of its own only if its topology differs from that of the project's
        DAG. All errors are in the result, so that one repository does not stop the others.

        Args:
            location: path or URL.
            ref: branch, tag or commit id.
            sha: a commit of that ref.
        """
        return tried(location, lambda: self._one(clone_url(location), ref, sha))

    def known(self, project: Project, ref: str, sha: str) -> SyncResult:
        """Sync a ref of a project of which a server has told; see `one`.

        Args:
            project: what the server says.
            ref: its full name.
            sha: its commit.
        """

        def synced() -> SyncResult:
            repository = self.open(project.clone_url)
            found = repository.fetch_listed(ref, sha)
            return self.ready(repository, self.place(project), project.default_branch, found)

        return tried(project.clone_url, synced)

    def _one(self, url: str, ref: str | None, sha: str) -> SyncResult:
        repository = self.open(url)
        default_branch = repository.default_branch()
        project = self.place(project_of(url, repository.project_branch(default_branch)))
        found = repository.fetch(ref or default_branch, sha)
        return self._as_found(project).ready(repository, project, default_branch, found, sha)

    def _as_found(self, project: Project) -> Sync:
        """Read the configuration where a DAG bundle has found it, if one has found the project."""
        known = self.shown(project)
        if known is None or not known.project.gitlab_conn_id:
            return self
        return replace(self, config_path=known.config_path)

    def ready(
        self,
        repository: Repository,
        project: Project,
        default_branch: str,
        found: Ref,
        sha: str = "",
    ) -> SyncResult:
        """Sync a ref that was fetched: the default branch, or another one; see `one`."""
        if found.name == default_branch and not sha:
            return self._project(repository, project, found)
        if self.shown(project) is None:
            self._project(repository, project, repository.fetch(default_branch))
        return self._ref(repository, project, found, shared=bool(sha))

    def compile(self, repository: Repository, project: Project, ref: Ref) -> SyncResult:
        """Compile a commit of a repository, without changing what the project's DAG shows."""
        fetcher = repository.at(ref.sha)
        context = PipelineContext(
            project=project, ref=ref, commit=fetcher.commit(), config_path=self.config_path
        )
        compiled = compile_pipeline(fetcher, context, elsewhere=self._elsewhere(project))
        pipeline, diagnostics = compiled.pipeline, compiled.diagnostics
        digest = self._saved(pipeline, project, ref) if pipeline else None
        return SyncResult(
            location=repository.url, record=None, digest=digest, diagnostics=diagnostics
        )

    def _saved(self, pipeline: Pipeline, project: Project, ref: Ref) -> str:
        snapshots = self.state.snapshots

        def shown() -> Pipeline | None:
            last = self._last_good(project)
            return snapshots.load_pipeline(last) if last else None

        return snapshots.save_pipeline(self.slotted(pipeline, project, ref, shown))

    def _project(self, repository: Repository, project: Project, ref: Ref) -> SyncResult:
        result = self.compile(repository, project, ref)
        if self.optional and any(found.code == "file-missing" for found in result.diagnostics):
            return replace(result, diagnostics=())
        server = self.gitlab(project.clone_url) if self.schedules else None
        schedules = find_schedules(server, project, self.shown(project))
        result = replace(result, diagnostics=(*result.diagnostics, *schedules.diagnostics))
        record = DagRecord(
            dag_id=dag_id(project.path),
            project=project,
            ref=ref,
            digest=result.digest or self._last_good(project),
            config_path=self.config_path,
            diagnostics=result.diagnostics,
            title=project.path,
            schedules=schedules.schedules,
        )
        snapshots, holds = self.state.snapshots, self.state.holds
        if not holds.replace(record):
            record = record_of_topology(snapshots, record, ref, record.digest)
            holds.replace(record)
        snapshots.forget_runs(self.state.unused_before())
        self._forget_lost_refs(repository, project)
        return self._with_children(repository, record, result)

    def _ref(
        self, repository: Repository, project: Project, ref: Ref, *, shared: bool
    ) -> SyncResult:
        """Compile a ref; commits of the same topology share the DAG of an earlier commit."""
        result = self.compile(repository, project, ref)
        if result.digest is None:
            return result
        shown = self.state.snapshots.load_dag(dag_id(project.path))
        named = replace(ref, name=ref.sha) if shared else ref
        record = record_of_ref(self.state.snapshots, shown, named, result.digest)
        if record.kind is not DagKind.REF:
            return replace(result, record=record)
        holds = self.state.holds
        if not holds.replace(record):
            record = record_of_topology(self.state.snapshots, shown, ref, result.digest)
            holds.replace(record)
        return self._with_children(repository, record, result)

    def _with_children(
        self, repository: Repository, record: DagRecord, result: SyncResult
    ) -> SyncResult:
        """Make the DAGs of child pipelines, if the commit has a pipeline."""
        if not result.ok:
            return replace(result, record=record)
        files = repository.at(record.ref.sha)
        children = ChildSync(
            state=self.state,
            files=files,
            commit=files.commit(),
            elsewhere=self._elsewhere(record.project),
            slotted=self.slotted,
        )
        found = (*result.diagnostics, *children.sync(record))
        return replace(result, record=record, diagnostics=found)

    def _forget_lost_refs(self, repository: Repository, project: Project) -> None:
        """Remove the DAGs of branches and tags that are gone, and those that no run has used."""
        snapshots = self.state.snapshots
        names = snapshots.dags(DagKind.REF, part_of=dag_id(project.path))
        stored = [dag for name in names if (dag := snapshots.stored_dag(name))]
        if not stored:
            return
        alive = repository.ref_names()
        unused_before = self.state.unused_before()
        for dag in stored:
            shared = _is_shared(dag.record)
            if dag.used_at < unused_before if shared else dag.record.ref.name not in alive:
                self.state.holds.delete(dag.record.dag_id)

    def open(self, url: str) -> Repository:
        """Open a repository."""
        return open_repository(url, self.mirrors, self.gitlab(url), self.logins)

    def _elsewhere(self, project: Project) -> Elsewhere:
        files = RemoteFiles(hosts=self.include_hosts)
        server = self.gitlab(project.clone_url)
        return GitlabElsewhere(server, files) if server else Neighbours(project, self.open, files)

    def _last_good(self, project: Project) -> str:
        known = self.shown(project)
        return known.digest if known else ""

    def shown(self, project: Project) -> DagRecord | None:
        """Return what the project's DAG shows; None if that is of an earlier project with its URL.

        GitLab gives the path of a project that was deleted or renamed to the next one.
        """
        known = self.state.snapshots.find_dag(dag_id(project.path))
        return None if known and _is_earlier(known.project, project) else known

    def place(self, project: Project) -> Project:
        """Give a second repository with the same path another path.

        What a server has told of a project is kept when only its URL is known.
        """
        known = self.shown(project)
        if known is None:
            return project
        if known.project.clone_url == project.clone_url:
            found = known.project
            return (
                replace(found, default_branch=project.default_branch)
                if _is_plain(project, found)
                else project
            )
        suffix = hashlib.sha256(project.clone_url.encode()).hexdigest()[:6]
        # Which may be taken as well: by a project that is called so to get its variables.
        return self.place(replace(project, path=f"{project.path}-{suffix}"))


def tried(location: str, sync: Callable[[], SyncResult]) -> SyncResult:
    """Sync; an error becomes a result, so that it does not stop the other repositories.

    Raises:
        StateAwayError: which is no fault of a repository.
    """
    try:
        return sync()
    except Exception as problem:  # noqa: BLE001 - whatever it is
        return failed(location, problem)


def failed(location: str, problem: Exception) -> SyncResult:
    """Make the result for a repository that could not be synced.

    Raises:
        StateAwayError: is the problem.
    """
    if isinstance(problem, StateAwayError):
        raise problem
    if isinstance(problem, GitlabCiError | OSError):
        return unreadable(location, str(problem))
    log.debug("cannot sync %s", hide_credentials(location), exc_info=problem)
    return unreadable(location, f"{type(problem).__name__}: {problem}")


def unreadable(location: str, words: str) -> SyncResult:
    """Make the result for a repository that cannot be read."""
    diagnostic = error("source-unreadable", words, At(file=hide_credentials(location), line=0))
    return SyncResult(location=location, record=None, digest=None, diagnostics=(diagnostic,))


def _is_plain(project: Project, found: Project) -> bool:
    """Return whether a server has told more of a project than is known of it now."""
    return bool(found.gitlab_conn_id) and not project.gitlab_conn_id


def _is_earlier(found: Project, project: Project) -> bool:
    """Return whether what was found is another project, which had the same address."""
    same = found.clone_url == project.clone_url
    return same and bool(found.id and project.id) and found.id != project.id


def _is_shared(record: DagRecord) -> bool:
    if record.ref.name.startswith("refs/"):  # a merge request's
        return True
    return is_commit_id(record.ref.name) or has_name_of_topology(record.dag_id)

"""One repository to one snapshot: fetch, compile, store. Errors stay with their repository."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gitlab_ci_provider.compiler.compile import compile_pipeline
from gitlab_ci_provider.discovery.repositories import project_of
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.diagnostic import Diagnostic, error
from gitlab_ci_provider.model.diagnostic import SourceLocation as At
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.snapshots.store import ProjectRecord, SnapshotStore
from gitlab_ci_provider.sources.git import GitFetcher, Mirror, hide_credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What became of one repository.

    Attributes:
        record: None when the repository could not be read at all.
        digest: of the pipeline at the commit that was read; None when it does not compile.
    """

    location: str
    record: ProjectRecord | None
    digest: str | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Tell whether the commit has a pipeline that can run."""
        return self.digest is not None


@dataclass(frozen=True, slots=True)
class Sync:
    """Reads repositories into the snapshots below one folder."""

    store: SnapshotStore
    mirrors: Path
    config_path: str = ".gitlab-ci.yml"

    def all(self, urls: Iterable[str], ref: str | None = None) -> list[SyncResult]:
        """Sync each repository; one that fails does not stop the others."""
        return [self.one(url, ref) for url in urls]

    def one(self, url: str, ref: str | None = None) -> SyncResult:
        """Sync one repository at a ref, by default at its default branch."""
        try:
            mirror = Mirror.open(self.mirrors, url)
            default_branch = mirror.default_branch()
            found = mirror.fetch(ref or default_branch)
        except SourceError as problem:
            diagnostic = error("source-unreadable", str(problem), At(file=hide_credentials(url)))
            return SyncResult(location=url, record=None, digest=None, diagnostics=(diagnostic,))
        project = self._place(project_of(url, default_branch))
        return self._compile(mirror, project, found)

    def compile(self, mirror: Mirror, project: Project, ref: Ref) -> SyncResult:
        """Compile a commit that the mirror has, without changing what the project's DAG shows."""
        fetcher = GitFetcher(mirror, ref.sha)
        context = PipelineContext(project=project, ref=ref, commit=fetcher.commit())
        compiled = compile_pipeline(fetcher, context, self.config_path)
        digest = self.store.save_pipeline(compiled.pipeline) if compiled.pipeline else None
        diagnostics = compiled.diagnostics
        return SyncResult(location=mirror.url, record=None, digest=digest, diagnostics=diagnostics)

    def _compile(self, mirror: Mirror, project: Project, ref: Ref) -> SyncResult:
        result = self.compile(mirror, project, ref)
        record = ProjectRecord(
            project=project,
            ref=ref,
            digest=result.digest or self._last_good(project),
            config_path=self.config_path,
            diagnostics=result.diagnostics,
        )
        self.store.save_project(record)
        return replace(result, record=record)

    def _last_good(self, project: Project) -> str:
        known = self._known(project)
        return known.digest if known else ""

    def _known(self, project: Project) -> ProjectRecord | None:
        name = dag_id(project.path)
        return self.store.load_project(name) if name in self.store.projects() else None

    def _place(self, project: Project) -> Project:
        """Give a second repository with the same path a path of its own."""
        known = self._known(project)
        if known is None or known.project.clone_url == project.clone_url:
            return project
        suffix = hashlib.sha256(project.clone_url.encode()).hexdigest()[:6]
        return replace(project, path=f"{project.path}-{suffix}")

"""The commit of one run: fetched, compiled and checked against the DAG that is to run it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.diagnostic import Diagnostic, Severity
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.topology import differences
from gitlab_ci_provider.operators.mirrors import open_mirror
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.sources.git import GitFetcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A commit with its pipeline.

    Attributes:
        files: reads the commit's files.
    """

    ref: Ref
    digest: str
    pipeline: Pipeline
    files: GitFetcher


def pin(record: DagRecord, ref_name: str, settings: Settings) -> Pinned:
    """Fetch a ref and compile its pipeline, unless that commit's snapshot is already there.

    Raises:
        SourceError: the repository or ref cannot be read.
        ConfigError: the commit's `.gitlab-ci.yml` has errors; the message lists them.
    """
    store = SnapshotStore(settings.snapshots)
    mirror = open_mirror(record.project.clone_url, settings)
    ref = mirror.fetch(ref_name)
    files = GitFetcher(mirror, ref.sha)
    digest = (
        record.digest if _compiled_cleanly(record, ref) else _compile(record, ref, files, store)
    )
    return Pinned(ref=ref, digest=digest, pipeline=store.load_pipeline(digest), files=files)


def check_topology(shown: Pipeline, pinned: Pipeline) -> None:
    """Refuse a commit whose jobs or order differ from the DAG's.

    Raises:
        ConfigError: they differ; the message names the jobs.
    """
    listed = differences(shown, pinned)
    if listed:
        message = (
            f"this ref's pipeline has another shape than this DAG ({listed}): "
            "sync the project at this ref, then trigger it again"
        )
        raise ConfigError(message)


def _compiled_cleanly(record: DagRecord, ref: Ref) -> bool:
    """Tell whether the record's digest is that of this very commit."""
    return record.ref.sha == ref.sha and bool(record.digest) and not _errors(record.diagnostics)


def _compile(record: DagRecord, ref: Ref, files: GitFetcher, store: SnapshotStore) -> str:
    from gitlab_ci_provider.compiler.compile import compile_pipeline  # DAG parsing needs no YAML

    context = PipelineContext(project=record.project, ref=ref, commit=files.commit())
    compiled = compile_pipeline(files, context, record.config_path)
    if compiled.pipeline is None:
        listed = "\n".join(str(one) for one in _errors(compiled.diagnostics))
        raise ConfigError(f"{record.project.path} at {ref.name} ({ref.sha[:8]}):\n{listed}")
    return store.save_pipeline(compiled.pipeline)


def _errors(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [one for one in diagnostics if one.severity == Severity.ERROR]

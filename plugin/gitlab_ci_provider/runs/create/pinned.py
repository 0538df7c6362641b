"""The commit of one run, pinned: fetched, and compiled for what the run asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.hooks.repositories import elsewhere, repository_of
from gitlab_ci_provider.hooks.runners import slotted
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.diagnostic import errors_in
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Commit, Project, Ref, RefKind
from gitlab_ci_provider.model.variables import ConfiguredVariables
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.create.changed_files import (
    before_sha,
    changed_paths,
    compared,
    other_trees,
    tree_paths,
    with_base,
)
from gitlab_ci_provider.runs.create.refs import find_ref, is_earlier
from gitlab_ci_provider.runs.form import RunForm
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.sources.repository import CommitFiles, Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A commit with its pipeline.

    Attributes:
        context: what the pipeline is created for; rules look at it.
        repository: where the commit is.
        earlier: the commit is not the newest of its ref.
    """

    context: PipelineContext
    digest: str
    pipeline: Pipeline
    repository: Repository
    earlier: bool = False

    @property
    def ref(self) -> Ref:
        """The ref and its commit."""
        return self.context.ref


def pin(
    task: TaskContext,
    record: DagRecord,
    form: RunForm,
    configured: ConfiguredVariables,
) -> Pinned:
    """Fetch the commit that a run asks for and compile its pipeline for that run.

    Raises:
        SourceError: the repository, ref or commit cannot be read.
        ConfigError: the commit's `.gitlab-ci.yml` has errors; the message lists them.
    """
    store = task.state.snapshots
    repository = repository_of(record.project.clone_url, task.settings, record.project)
    ref = find_ref(repository, form, record.project, task.settings)
    context = look(task, repository, record.project, ref, form)
    context = replace(context, configured=configured, config_path=record.config_path)
    files = repository.at(ref.sha)
    known = _known(record, context, store)
    compiled = (
        store.load_pipeline(known) if known else _compile(record, context, files, task.settings)
    )
    pipeline = slotted(
        compiled,
        task.settings,
        record.project,
        ref,
        lambda: store.load_pipeline(record.digest) if record.digest else None,
    )
    digest = known if known and pipeline == compiled else store.save_pipeline(pipeline)
    return Pinned(
        context=context,
        digest=digest,
        pipeline=pipeline if digest == known else store.load_pipeline(digest),
        repository=repository,
        earlier=is_earlier(repository, form, ref),
    )


def look(
    task: TaskContext, repository: Repository, project: Project, ref: Ref, form: RunForm
) -> PipelineContext:
    """Return what a pipeline of a commit is created for."""
    files = repository.at(ref.sha)
    before = before_sha(form, project, ref, task.state.register)
    request = with_base(repository, form.merge_request, ref)
    return PipelineContext(
        project=project,
        ref=ref,
        source=form.source,
        variables=form.variables,
        inputs=form.inputs,
        changed_paths=changed_paths(repository, request, ref, before)
        if form.changed is None
        else frozenset(form.changed),
        tree_paths=tree_paths(files),
        compared=compared(repository, ref) if form.changed is None else {},
        other_trees=other_trees(task.settings, project),
        target_branch=request.target_branch if request else None,
        merge_request=request,
        schedule=form.schedule,
        user=form.user,
        upstream=form.upstream,
        skip_push=form.skip,
        commit=_commit(repository, files, ref, before),
    )


def _commit(repository: Repository, files: CommitFiles, ref: Ref, before: str) -> Commit:
    said = replace(files.commit(), before_sha=before)
    if ref.kind is not RefKind.TAG:
        return said
    return replace(said, tag_message=repository.tag_message(ref.name))


def _known(record: DagRecord, context: PipelineContext, store: SnapshotStore) -> str:
    """Return the digest from the last sync when nothing in the run can change it.

    Includes may depend on the source, variables or changed files, and inputs are the run's.
    """
    same = record.ref.sha == context.ref.sha and record.digest
    if not same or record.errors:
        return ""
    pipeline = store.load_pipeline(record.digest)
    alone = pipeline.included_files == (record.config_path,) and not pipeline.includes_left_out
    return record.digest if alone and not (pipeline.inputs or context.inputs) else ""


def _compile(
    record: DagRecord, context: PipelineContext, files: CommitFiles, settings: Settings
) -> Pipeline:
    from gitlab_ci_provider.compiler.compile import compile_pipeline  # DAG parsing needs no YAML

    compiled = compile_pipeline(files, context, elsewhere=elsewhere(record.project, settings))
    if compiled.pipeline is None:
        listed = "\n".join(map(str, errors_in(compiled.diagnostics)))
        ref = context.ref
        raise ConfigError(f"{record.project.path} at {ref.name} ({ref.sha[:8]}):\n{listed}")
    return compiled.pipeline

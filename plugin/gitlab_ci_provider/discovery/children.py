"""The DAGs of child pipelines whose includes are files: made with the parent's, before any run.

Airflow needs some time to read a new DAG; runs of these DAGs never wait for it. What only a run can
know (files that a job generates, variables of the run) is compiled again by the bridge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gitlab_ci_provider.compiler.child import compile_child, is_dynamic
from gitlab_ci_provider.config.includes.fetcher import Elsewhere, FileFetcher
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.diagnostic import Diagnostic, Severity
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Commit, Project, Ref
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.planner.downstream import MAX_NESTED_CHILDREN
from gitlab_ci_provider.snapshots.children import forget_children, synced_child
from gitlab_ci_provider.state import State
from gitlab_ci_provider.variables.expand import expand_all
from gitlab_ci_provider.variables.predefined import pipeline_variables

Slotted = Callable[[Pipeline, Project, Ref, Callable[[], Pipeline | None]], Pipeline]
"""Says for each job of a pipeline where Airflow runs its task, see `hooks/runners.py`."""


def unchanged(pipeline: Pipeline, *_: object) -> Pipeline:
    """Leave it to Airflow where tasks run."""
    return pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSync:
    """Makes the DAGs of the children of one commit."""

    state: State
    files: FileFetcher
    commit: Commit
    elsewhere: Elsewhere
    slotted: Slotted = unchanged

    def sync(self, parent: DagRecord, depth: int = 1) -> Iterator[Diagnostic]:
        """Make the DAGs of a parent's children, and remove those that it no longer has.

        Yields errors of children as warnings: the parent can run all the same.
        """
        kept: set[str] = set()
        for job in self._bridges(parent):
            name = job.group or job.name
            record = synced_child(parent, name, "")
            if record.dag_id in kept:
                continue
            kept.add(record.dag_id)
            yield from self._child(parent, job, depth)
        unused_before = self.state.unused_before()
        forget_children(self.state.holds, parent, keep=kept, unused_before=unused_before)

    def _bridges(self, parent: DagRecord) -> Iterator[Job]:
        for job in self.state.snapshots.load_pipeline(parent.digest).jobs.values():
            if job.bridge and job.bridge.includes and not is_dynamic(job.bridge):
                yield job

    def _child(self, parent: DagRecord, job: Job, depth: int) -> Iterator[Diagnostic]:
        if job.bridge is None:
            return
        context = PipelineContext(
            project=parent.project,
            ref=parent.ref,
            source="parent_pipeline",
            commit=self.commit,
            config_path=parent.config_path,
        )
        context = replace(context, variables=_forwarded(context, job))
        compiled = compile_child(
            job.bridge, self.files, context, name=job.name, elsewhere=self.elsewhere
        )
        yield from (_as_warning(found, job) for found in compiled.diagnostics)
        if compiled.pipeline is None:
            return
        snapshots = self.state.snapshots
        pipeline = self.slotted(
            compiled.pipeline,
            parent.project,
            parent.ref,
            lambda: snapshots.load_pipeline(parent.digest),
        )
        digest = snapshots.save_pipeline(pipeline)
        record = synced_child(parent, job.group or job.name, digest)
        if not self.state.holds.replace(record):
            return  # runs that need the new topology make a DAG for it
        if depth < MAX_NESTED_CHILDREN:
            yield from self.sync(record, depth + 1)


def _forwarded(context: PipelineContext, job: Job) -> Variables:
    """Expand the job's variables as far as that is possible without a run."""
    expanded = expand_all(pipeline_variables(context) | job.variables)
    names = job.variables.names
    return Variables(variable for variable in expanded if variable.name in names)


def _as_warning(found: Diagnostic, job: Job) -> Diagnostic:
    message = f"child pipeline of {job.name}: {found.message}"
    return replace(found, severity=Severity.WARNING, message=message)

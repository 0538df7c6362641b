"""A run's pipeline in the register: numbered when it is created, closed when it ends."""

from __future__ import annotations

from dataclasses import replace

from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.records.register import Register
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.form import RunForm


def same_commit(task: TaskContext, form: RunForm) -> RunForm:
    """Keep the commit of a run whose `create_pipeline` was cleared: it already has its pipeline."""
    known = task.state.register.of_run(task.dag_id, task.run_id)
    return replace(form, sha=known.ref.sha) if known else form


def enter(run: PipelineRun, register: Register) -> PipelineRun:
    """Assign the pipeline's numbers; after a clear of `create_pipeline` it keeps those it had."""
    request = run.merge_request
    entry = PipelineEntry(
        project=run.project.path,
        dag_id=run.dag_id,
        run_id=run.run_id,
        ref=run.pipeline_ref,
        source=run.source,
        digest=run.digest,
        created_at=run.created_at,
        name=run.name,
        parent=run.upstream.parent.pipeline if run.upstream else 0,
        merge_request=request.iid if request else 0,
    )
    numbered = register.enter(entry)
    return replace(run, id=numbered.id, iid=numbered.iid)


def close_unpinned(task: TaskContext) -> None:
    """Record that a run has failed, even when it has only got its numbers."""
    entry = task.state.register.of_run(task.dag_id, task.run_id)
    if entry is not None:
        task.state.register.finish(entry.id, "failed")

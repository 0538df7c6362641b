"""Which DAG a bridge starts: another project's, or that of the child pipeline, made when needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.ci_variables import configured_variables
from gitlab_ci_provider.hooks.repositories import elsewhere, repository_of
from gitlab_ci_provider.hooks.runners import slotted
from gitlab_ci_provider.model.bridge import Bridge, Upstream
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.diagnostic import errors_in
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.topology import topology_tag
from gitlab_ci_provider.runs.bridge.artifact_files import artifact_reader
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.create.changed_files import changed_paths, compared, other_trees
from gitlab_ci_provider.runs.create.pinned import pin
from gitlab_ci_provider.runs.form import RunForm
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.snapshots.children import reserve_child
from gitlab_ci_provider.snapshots.dag_files import publish
from gitlab_ci_provider.snapshots.refs import reserve_for_run

Named = Callable[[str, Ref], str]
"""Names the run of a pipeline of a project's ref."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The DAG to start, and the name of its run.

    Attributes:
        shape: the tag that it has when Airflow has read it with these jobs.
        digest: of a child's pipeline; empty for another project.
        sha: commit of another project; empty for a child, which has its parent's.
    """

    dag: str
    run: str
    shape: str
    digest: str = ""
    sha: str = ""


def other_project(task: TaskContext, project: str, upstream: Upstream, name: Named) -> Target:
    """Find the DAG that runs a ref of another project, and hold it for the run.

    The run is for the commit that is found here: its jobs are those of the DAG.

    Raises:
        SystemFailure: the project was never synced here.
        GitlabCiError: the ref or its configuration is wrong.
    """
    owner = known_project(task, project)
    form = RunForm(
        ref=upstream.ref or owner.ref.name,
        sha=upstream.sha,
        source="pipeline",
        variables=upstream.variables,
        inputs=upstream.inputs,
        upstream=upstream,
    )
    pinned = pin(task, owner, form, configured_variables(owner.project, task.settings))
    run = name(owner.project.path, pinned.ref)
    record = reserve_for_run(
        task.state.holds, owner.dag_id, ref=pinned.ref, digest=pinned.digest, run=run
    )
    if record.kind is DagKind.REF:
        publish(record, task.settings.dag_files)
    shape = topology_tag(pinned.pipeline)
    return Target(dag=record.dag_id, run=run, shape=shape, sha=pinned.ref.sha)


def known_project(task: TaskContext, project: str) -> DagRecord:
    """Return the record of a project.

    Raises:
        SystemFailure: it was never synced here.
    """
    record = task.state.snapshots.find_dag(dag_id(project))
    if record is None:
        message = (
            f"the project {project} is not known here: "
            "sync it, or start the stack with it, then retry this job"
        )
        raise SystemFailure(message, reason=FailureReason.DOWNSTREAM_BRIDGE_PROJECT_NOT_FOUND)
    return record


def child(run: JobRun, bridge: Bridge, upstream: Upstream, name: Named) -> Target:
    """Compile the child pipeline at the parent's commit, and hold or make a DAG that fits it.

    Raises:
        SystemFailure: its configuration has errors; the message lists them.
    """
    compiled = _compile(run, bridge, upstream)
    ours = run.record
    pipeline = slotted(compiled, run.settings, ours.project, ours.ref, lambda: run.pipeline)
    digest = run.state.snapshots.save_pipeline(pipeline)
    new, job = name(ours.project.path, ours.ref), run.job.group or run.job.name
    record = reserve_child(run.state.holds, run.dag_id, job, digest, new)
    publish(record, run.settings.dag_files)
    return Target(dag=record.dag_id, run=new, shape=topology_tag(pipeline), digest=digest)


def _compile(run: JobRun, bridge: Bridge, upstream: Upstream) -> Pipeline:
    from gitlab_ci_provider.compiler.child import compile_child  # DAG parsing needs no YAML

    record = run.record
    ref, request = record.ref, record.merge_request
    repository = repository_of(record.project.clone_url, run.settings, record.project)
    repository.fetch(ref.sha)
    compiled = compile_child(
        bridge,
        repository.at(ref.sha),
        PipelineContext(
            project=record.project,
            ref=ref,
            source="parent_pipeline",
            variables=upstream.variables,
            changed_paths=changed_paths(repository, request, ref, record.commit.before_sha),
            compared=compared(repository, ref),
            other_trees=other_trees(run.settings, record.project),
            merge_request=request,
            target_branch=request.target_branch if request else None,
            commit=record.commit,
            config_path=record.config_path,
            configured=configured_variables(record.project, run.settings),
            upstream=upstream,
        ),
        name=run.job.name,
        read_artifact=artifact_reader(run),
        elsewhere=elsewhere(record.project, run.settings),
    )
    if compiled.pipeline is None:
        listed = "\n".join(map(str, errors_in(compiled.diagnostics)))
        message = f"downstream pipeline can not be created:\n{listed}"
        raise SystemFailure(message, reason=FailureReason.DOWNSTREAM_PIPELINE_CREATION_FAILED)
    return compiled.pipeline

"""What `create_pipeline` of a downstream pipeline takes from the job that created it."""

from __future__ import annotations

import logging
from dataclasses import replace

import msgspec

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.hooks.dag_runs import RunKey, pipeline_of
from gitlab_ci_provider.hooks.repositories import repository_of
from gitlab_ci_provider.model.bridge import UPSTREAM, Upstream
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.model.variables import ConfiguredVariables
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.create.pinned import Pinned, look
from gitlab_ci_provider.runs.form import RunForm

log = logging.getLogger(__name__)


def take_over(task: TaskContext, record: DagRecord, form: RunForm) -> RunForm:
    """Apply what the bridge passed on to the run's form, when a bridge started the run.

    It allows more than people may ask for, so nobody else may use it: a child pipeline has its
    parent's protected variables, and runs whatever snapshot its bridge names.

    Raises:
        ConfigError: a child pipeline was started without its parent, or a person claims to be one.
    """
    value = (task.context["dag_run"].conf or {}).get(UPSTREAM)
    if value is None:
        if record.kind is DagKind.CHILD:
            message = f"child pipelines are started by '{record.bridge}' of {record.parent} only"
            raise ConfigError(message)
        return form
    if not task.was_started_by_task:
        raise ConfigError(f"`{UPSTREAM}` of a run is for `trigger:` jobs only, not for people")
    try:
        upstream = convert(value, Upstream)
    except msgspec.ValidationError as problem:
        raise ConfigError(f"`{UPSTREAM}` of the run is not of a bridge: {problem}") from problem
    return replace(
        form,
        ref=upstream.ref,
        sha=form.sha or upstream.sha,
        source="parent_pipeline" if upstream.child else "pipeline",
        variables=form.variables | upstream.variables,
        inputs={**form.inputs, **upstream.inputs},
        upstream=upstream,
    )


def upstream_url(task: TaskContext, upstream: Upstream | None) -> str:
    """Build the address of the pipeline above; empty when there is none."""
    if upstream is None:
        return ""
    url = RunKey(dag=upstream.parent.dag, run=upstream.parent.run).url(task.context)
    log.info("created by '%s' of the upstream pipeline %s", upstream.job, url)
    return url


def pin_child(task: TaskContext, form: RunForm, configured: ConfiguredVariables) -> Pinned | None:
    """Take the pipeline that the bridge compiled, at the parent's commit; None if not a child.

    It is for the parent's push or merge request, so its rules see the same changes.
    Source: GitLab's `Ci::CreateDownstreamPipelineService`.

    Raises:
        ConfigError: the parent's run was deleted.
    """
    upstream = form.upstream
    if upstream is None or not upstream.child:
        return None
    above = upstream.parent
    parent = pipeline_of(task.context, RunKey(dag=above.dag, run=above.run))
    if parent is None:
        raise ConfigError(f"the parent pipeline {above.pipeline} ({above.dag}) is gone")
    repository = repository_of(parent.project.clone_url, task.settings, parent.project)
    repository.fetch(parent.ref.sha)
    before, request = parent.commit.before_sha, parent.merge_request
    form = replace(form, before_sha=before, merge_request=request)
    found = look(task, repository, parent.project, parent.ref, form)
    return Pinned(
        context=replace(found, configured=configured, config_path=parent.config_path),
        digest=upstream.digest,
        pipeline=task.state.snapshots.load_pipeline(upstream.digest),
        repository=repository,
    )

"""The names of resource groups."""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.variables.expand import expand_all, expand_on_server
from gitlab_ci_provider.variables.precedence import effective_variables


def resource_groups(run: PipelineRun, pipeline: Pipeline) -> Mapping[str, str]:
    """Expand the `resource_group` of each job that is in the pipeline and has one.

    With the variables that are known when the pipeline is created: pipelines have to agree on the
    name before the job runs, as in GitLab's `Seed::Processable::ResourceGroup`.
    """
    written = {
        name: job.resource_group
        for name, job in pipeline.jobs.items()
        if job.resource_group and name in run.decisions
    }
    named = {job: _expanded(text, job, run, pipeline) for job, text in written.items()}
    return {job: name for job, name in named.items() if name}


def _expanded(written: str, job: str, run: PipelineRun, pipeline: Pipeline) -> str:
    context = PipelineContext(
        project=run.project,
        ref=run.ref,
        source=run.source,
        variables=run.variables,
        commit=run.commit,
        config_path=run.config_path,
    )
    known = effective_variables(
        pipeline.jobs[job],
        pipeline,
        context,
        run.decisions[job],
        workflow=run.workflow_variables,
    )
    return expand_on_server(written, expand_all(known))

"""The name of a job's resource group."""

from __future__ import annotations

from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.variables.expand import expand_all, expand_on_server
from gitlab_ci_provider.variables.precedence import effective_variables


def resource_group(job: str, run: PipelineRun, pipeline: Pipeline) -> str:
    """Expand a job's `resource_group`; empty when it has none.

    With the variables that are known when the pipeline is created: pipelines have to agree on the
    name before the job runs, as in GitLab's `Seed::Processable::ResourceGroup`.
    """
    written = pipeline.jobs[job].resource_group
    if not written:
        return ""
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

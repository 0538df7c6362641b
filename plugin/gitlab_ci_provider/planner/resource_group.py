"""The names of resource groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.variables import ConfiguredVariables
from gitlab_ci_provider.variables.expand import expand_all, expand_on_server
from gitlab_ci_provider.variables.masking import Masker
from gitlab_ci_provider.variables.precedence import effective_variables


def resource_groups(
    run: PipelineRun, pipeline: Pipeline, configured: ConfiguredVariables
) -> Mapping[str, str]:
    """Expand the `resource_group` of each job that is in the pipeline and has one.

    With the variables that are known when the pipeline is created: pipelines have to agree on the
    name before the job runs, as in GitLab's `Seed::Processable::ResourceGroup`. People see the
    name, so secrets are masked.
    """
    context = replace(run.context, configured=configured)
    written = {
        name: job.resource_group
        for name, job in pipeline.jobs.items()
        if job.resource_group and name in run.decisions
    }
    named = {job: _expanded(text, job, run, pipeline, context) for job, text in written.items()}
    return {job: name for job, name in named.items() if name}


def _expanded(
    written: str, job: str, run: PipelineRun, pipeline: Pipeline, context: PipelineContext
) -> str:
    known = expand_all(
        effective_variables(
            pipeline.jobs[job],
            pipeline,
            context,
            run.decisions[job],
            workflow=run.workflow_variables,
        )
    )
    return Masker(known.masked_values).text(expand_on_server(written, known))

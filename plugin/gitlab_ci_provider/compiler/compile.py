"""A configuration to a pipeline: resolve, check, multiply, connect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

from gitlab_ci_provider.compiler.checks import check_jobs
from gitlab_ci_provider.compiler.followers import without_followers
from gitlab_ci_provider.compiler.needs import connect
from gitlab_ci_provider.compiler.parallel import instances
from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.includes.fetcher import Elsewhere, FileFetcher
from gitlab_ci_provider.config.includes.processor import Sources
from gitlab_ci_provider.config.inputs.spec import InputSpec
from gitlab_ci_provider.config.report import Report
from gitlab_ci_provider.config.resolve import resolve
from gitlab_ci_provider.linter.checks.support import check_support
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.diagnostic import Diagnostic, Severity
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.pipeline_input import InputType, PipelineInput
from gitlab_ci_provider.schedule.order import build_edges
from gitlab_ci_provider.variables.precedence import yaml_variables


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileResult:
    """What became of a configuration.

    Attributes:
        pipeline: None when it has errors.
        config: what the file says, for those who show it; None when it could not be read.
    """

    pipeline: Pipeline | None
    diagnostics: tuple[Diagnostic, ...] = ()
    config: CiConfig | None = field(default=None, repr=False)


def compile_pipeline(
    fetcher: FileFetcher,
    context: PipelineContext,
    config_path: str = ".gitlab-ci.yml",
    *,
    elsewhere: Elsewhere | None = None,
) -> CompileResult:
    """Compile a configuration to a pipeline that holds every job that could run.

    Only `include` and `spec:inputs` look at the context; rules stay data.
    """
    report = Report()
    config = resolve(Sources(fetcher, elsewhere), context, config_path, report)
    if config is None:
        return CompileResult(pipeline=None, diagnostics=tuple(report.diagnostics))
    jobs = _jobs(config)
    found = list(dict.fromkeys(check_jobs(jobs, config.stages)))
    report.extend(found, failed=any(one.severity is Severity.ERROR for one in found))
    pipeline = None if report.failed else _pipeline(config, jobs)
    support = check_support(one.job for one in config.jobs.values())
    diagnostics = (*without_followers(report.diagnostics), *support)
    return CompileResult(pipeline=pipeline, diagnostics=diagnostics, config=config)


def _jobs(config: CiConfig) -> dict[str, Job]:
    jobs: dict[str, Job] = {}
    groups: dict[str, list[str]] = {}
    for name, one in config.jobs.items():
        made = instances(one)
        if one.parallel:
            groups[name] = [job.name for job in made]
        for job in made:
            jobs[job.name] = replace(job, variables=yaml_variables(job, config.variables, ()))
    return connect(jobs, groups)


def _input(spec: InputSpec) -> PipelineInput:
    kinds: dict[str, InputType] = {kind: kind for kind in get_args(InputType)}
    return PipelineInput(
        name=spec.name,
        type=kinds[spec.type],
        required=spec.required,
        default=spec.default,
        options=spec.options or (),
        description=spec.description,
    )


def _pipeline(config: CiConfig, jobs: Mapping[str, Job]) -> Pipeline:
    used = {job.stage for job in jobs.values()}
    stages = tuple(name for name in config.stages if name in used or name[0] != ".")
    return Pipeline(
        stages=stages,
        jobs=jobs,
        edges=build_edges(jobs, stages),
        variables=config.variables,
        workflow=config.workflow,
        inputs=tuple(_input(one) for one in config.inputs.values()),
        included_files=config.files,
    )

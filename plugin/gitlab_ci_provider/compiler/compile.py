"""A configuration to a pipeline: resolve, check, multiply, connect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

from gitlab_ci_provider.compiler.checks import check_jobs
from gitlab_ci_provider.compiler.needs import connect
from gitlab_ci_provider.compiler.parallel import instances
from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.includes.fetcher import Elsewhere, FileFetcher
from gitlab_ci_provider.config.includes.processor import Sources
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.config.resolve import resolve
from gitlab_ci_provider.linter.checks.includes import check_unreachable
from gitlab_ci_provider.linter.checks.support import check_support
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.diagnostic import Diagnostic, Severity, SourceLocation
from gitlab_ci_provider.model.input_spec import InputSpec
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import InputType, Pipeline, PipelineInput
from gitlab_ci_provider.schedule.order import build_edges
from gitlab_ci_provider.variables.precedence import yaml_variables
from gitlab_ci_provider.variables.stored import secret_values


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileResult:
    """The result of compiling a configuration.

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
    *,
    path: str | None = None,
    elsewhere: Elsewhere | None = None,
) -> CompileResult:
    """Compile a configuration to a pipeline that holds every job that could run.

    Only `include` and `spec:inputs` look at the context; rules stay data. `path` is of a file other
    than the project's own.
    """
    diagnostics = Diagnostics(secret_values(context.configured))
    config = resolve(Sources(fetcher, elsewhere), context, path or context.config_path, diagnostics)
    if config is None:
        return CompileResult(pipeline=None, diagnostics=tuple(diagnostics.found))
    jobs = _jobs(config)
    diagnostics.extend(check_jobs(jobs, config.stages, diagnostics.meant))
    pipeline = None if diagnostics.failed else _pipeline(config, jobs)
    support = check_support(config.jobs.values())
    unreachable = () if elsewhere else check_unreachable(config)
    told = (*without_followers(diagnostics.found), *support, *unreachable)
    return CompileResult(pipeline=pipeline, diagnostics=told, config=config)


def _jobs(config: CiConfig) -> dict[str, Job]:
    jobs: dict[str, Job] = {}
    groups: dict[str, list[str]] = {}
    for name, entry in config.jobs.items():
        made = instances(entry)
        if entry.parallel:
            groups[name] = [job.name for job in made]
        for job in made:
            jobs[job.name] = replace(job, variables=yaml_variables(job, config.variables))
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
        variable_locations=_variable_locations(config.tree.get("variables")),
        workflow=config.workflow,
        inputs=tuple(_input(spec) for spec in config.inputs.values()),
        included_files=config.files,
        lock=config.lock,
        includes_left_out=config.emptied,
    )


def _variable_locations(written: object) -> dict[str, SourceLocation]:
    marks = {name: written.place(name) for name in written} if isinstance(written, Map) else {}
    return {name: mark.location() for name, mark in marks.items()}


_FOLLOWING = frozenset(
    {
        "dependencies-later-stage",
        "dependencies-unknown-job",
        "environment-on-stop",
        "extends-unknown-keys",
        "job-nothing-to-do",
        "jobs-none-visible",
        "needs-later-stage",
        "needs-unknown-job",
        "pipelines-duplicate",
        "reference-missing",
        "stage-unknown",
        "stage-unused",
    }
)


_LOSSES = ("include-", "inputs-", "interpolation", "yaml-")
"""Beginnings of the codes of errors that leave out a whole file."""


def without_followers(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Leave out what is said about jobs that a failed include would have defined."""
    listed = list(found)
    if not any(one.code.startswith(_LOSSES) and _is_error(one) for one in listed):
        return listed
    return [diagnostic for diagnostic in listed if diagnostic.code not in _FOLLOWING]


def _is_error(diagnostic: Diagnostic) -> bool:
    return diagnostic.severity is Severity.ERROR

"""The run form: what a person, a schedule or an API call asks of one run.

Written as DAG params by the renderer, read back by `create_pipeline`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.context import PipelineSource
from gitlab_ci_provider.model.downstream import Upstream
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.variables import Variable, Variables

REF = "ref"
SOURCE = "source"
VARIABLES = "variables"
JOBS = "jobs"
SOURCES: tuple[PipelineSource, ...] = ("web", "api", "push", "schedule", "trigger")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunForm:
    """What was asked, and by whom.

    `ref` is empty for the default branch, `jobs` for all jobs, `user` when nobody is known.
    """

    ref: str
    source: PipelineSource
    variables: Variables
    jobs: tuple[str, ...] = ()
    upstream: Upstream | None = None
    user: str = ""


def form_variables(pipeline: Pipeline) -> Variables:
    """List the variables that have a field of their own: those with a description.

    Source: GitLab docs, CI/CD YAML reference, `variables:description`.
    """
    reserved = {REF, SOURCE, VARIABLES, JOBS}
    return tuple(
        variable
        for variable in pipeline.variables
        if variable.description is not None and variable.name not in reserved
    )


def read_form(pipeline: Pipeline, params: Mapping[str, Any], *, scheduled: bool) -> RunForm:
    """Read what was asked.

    A field that was left at the file's value is no pipeline variable: it would otherwise win over
    the variables of jobs, though nobody asked for it.

    Raises:
        ConfigError: `variables` is no mapping of names to texts.
    """
    filled = tuple(
        Variable(name=field.name, value=_text(params[field.name]))
        for field in form_variables(pipeline)
        if field.name in params and _text(params[field.name]) != field.value
    )
    return RunForm(
        ref=str(params.get(REF) or ""),
        source="schedule" if scheduled else _source(str(params.get(SOURCE) or "web")),
        variables=(*filled, *free_variables(params.get(VARIABLES) or {})),
        jobs=tuple(str(name) for name in params.get(JOBS) or ()),
    )


def _source(given: str) -> PipelineSource:
    for source in SOURCES:
        if source == given:
            return source
    raise ConfigError(f"source '{given}' is none of {', '.join(SOURCES)}")


def free_variables(given: Any) -> Variables:
    """Read a mapping of names to values.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(given, Mapping):
        raise ConfigError('`variables` must be a mapping: {"NAME": "value"}')
    return tuple(Variable(name=str(name), value=_text(value)) for name, value in given.items())


def _text(value: Any) -> str:
    """Write a value of the form as a variable's; a field that was emptied is null there."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)

"""The variables of a pipeline on its page: which there are, and where they come from. Pure.

Values of CI/CD variables that are kept in GitLab or in Airflow are not in the record of a pipeline,
and are not read for the page: it names the places that were asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.variables import Variable, Variables

IsSecret = Callable[[str], bool]
"""Tells by its name whether a variable may hold a secret."""

_GIVEN = {
    "schedule": "schedule",
    "pipeline": "upstream pipeline",
    "parent_pipeline": "parent pipeline",
    "trigger": "trigger",
    "api": "API",
    "web": "run form",
}
_MOST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableView:
    """A variable.

    Attributes:
        value: not expanded; None for one that is masked, or whose name says that it is a secret.
        source: where it comes from, in words.
        job: that alone has it; empty for all jobs.
        task: of this job.
        file, line: where the job is written.
        beaten: a stronger source has the same variable.
    """

    name: str
    value: str | None
    source: str
    job: str = ""
    task: str = ""
    file: str = ""
    line: int = 0
    beaten: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VariablesView:
    """The variables of a pipeline, the strongest first.

    Attributes:
        places: that held CI/CD variables when the pipeline was created.
        more: how many are not listed.
    """

    variables: tuple[VariableView, ...] = ()
    places: tuple[str, ...] = ()
    more: int = 0


def variables_view(record: PipelineRun, pipeline: Pipeline, is_secret: IsSecret) -> VariablesView:
    """Show the variables of a pipeline."""
    shared = [
        (_GIVEN.get(record.source, "pipeline variables"), record.variables),
        ("workflow:rules", record.workflow_variables),
        ("variables: of the pipeline's file", pipeline.variables),
    ]
    views: list[VariableView] = []
    known: set[str] = set()
    for source, layer in shared:
        made = [_view(each, source, is_secret, beaten=each.name in known) for each in layer]
        known |= layer.names
        views += made
    views += _of_jobs(record, pipeline, is_secret)
    return VariablesView(
        variables=tuple(views[:_MOST]),
        places=record.variable_places,
        more=max(0, len(views) - _MOST),
    )


def _of_jobs(
    record: PipelineRun, pipeline: Pipeline, is_secret: IsSecret
) -> Iterator[VariableView]:
    tasks = task_ids(pipeline.jobs)
    for job in pipeline.jobs.values():
        decision = record.decisions.get(job.name)
        if decision is None or not decision.present:
            continue
        layers: Iterable[tuple[str, Variables]] = (
            ("rules:variables", decision.variables),
            ("variables: of the job", job.own_variables),
        )
        for source, layer in layers:
            for each in layer:
                yield _view(
                    each,
                    source,
                    is_secret,
                    job=job.name,
                    task=tasks[job.name],
                    file=job.location.file,
                    line=job.location.line,
                    beaten=each.name in record.variables.names,
                )


def _view(variable: Variable, source: str, is_secret: IsSecret, **more: object) -> VariableView:
    hidden = variable.masked or variable.hidden or variable.file or is_secret(variable.name)
    value = None if hidden else variable.value
    return VariableView(name=variable.name, value=value, source=source, **more)  # type: ignore[arg-type]

"""The variables of a pipeline on its page: which there are, and where they come from. Pure.

Values of CI/CD variables that are kept in GitLab or in Airflow are not in the record of a pipeline,
and are not read for the page: it names the places that were asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from gitlab_ci_provider.model.diagnostic import SourceLocation
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.plugins.page.jobs import place_view, rule_location
from gitlab_ci_provider.plugins.page.view import PlaceView

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
        written: where the job is, or the variable of the pipeline's file.
        beaten: a stronger source has the same variable.
    """

    name: str
    value: str | None
    source: str
    job: str = ""
    task: str = ""
    written: PlaceView | None = None
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
    lines = pipeline.variable_locations
    shared: list[tuple[str, Variables, Mapping[str, SourceLocation]]] = [
        (_GIVEN.get(record.source, "pipeline variables"), record.variables, {}),
        ("workflow:rules", record.workflow_variables, {}),
        ("variables: of the pipeline's file", pipeline.variables, lines),
    ]
    views: list[VariableView] = []
    known: set[str] = set()
    for source, layer, places in shared:
        for each in layer:
            at = places.get(each.name)
            written = place_view(at, pipeline) if at else None
            beaten = each.name in known
            views.append(_view(each, source, is_secret, written=written, beaten=beaten))
        known |= layer.names
    views += _of_jobs(record, pipeline, is_secret)
    return VariablesView(
        variables=tuple(views[:_MOST]),
        places=(*record.variable_places, *_schedule(record)),
        more=max(0, len(views) - _MOST),
    )


def _schedule(record: PipelineRun) -> Iterator[str]:
    if record.schedule_id:
        yield f"pipeline schedule {record.schedule_id} of {record.project.path}"


def _of_jobs(
    record: PipelineRun, pipeline: Pipeline, is_secret: IsSecret
) -> Iterator[VariableView]:
    tasks = task_ids(pipeline.jobs)
    for job in pipeline.jobs.values():
        decision = record.decisions.get(job.name)
        if decision is None or not decision.present:
            continue
        layers: Iterable[tuple[str, Variables, SourceLocation]] = (
            ("rules:variables", decision.variables, rule_location(job, decision) or job.location),
            ("variables: of the job", job.own_variables, job.location),
        )
        for source, layer, at in layers:
            for each in layer:
                yield _view(
                    each,
                    source,
                    is_secret,
                    job=job.name,
                    task=tasks[job.name],
                    written=place_view(at, pipeline),
                    beaten=each.name in record.variables.names,
                )


def _view(variable: Variable, source: str, is_secret: IsSecret, **more: object) -> VariableView:
    hidden = variable.masked or variable.hidden or variable.file or is_secret(variable.name)
    value = None if hidden else variable.value
    return VariableView(name=variable.name, value=value, source=source, **more)  # type: ignore[arg-type]

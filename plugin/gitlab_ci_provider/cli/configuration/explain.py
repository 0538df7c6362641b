"""Where each key of a job came from: file and line, through includes, extends and defaults."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gitlab_ci_provider.cli.configuration.compiled import Compiled
from gitlab_ci_provider.cli.configuration.table import state_of
from gitlab_ci_provider.cli.display.tables import aligned
from gitlab_ci_provider.cli.usage import suggestion
from gitlab_ci_provider.config.raw import Map, Mark, Node, to_data
from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.linter.places import flat_rules
from gitlab_ci_provider.rules.match import RuleError, missed
from gitlab_ci_provider.rules.view import job_view
from gitlab_ci_provider.variables.predefined import pipeline_variables

_MAX_VALUE = 60


def lines(compiled: Compiled, name: str) -> Iterator[str]:
    """Yield a table of a job's keys, values and places, then what the rules decided.

    Raises:
        ConfigError: there is no such job.
    """
    config = compiled.result.config
    if config is None:  # why was said
        return
    jobs = config.jobs
    group = name if name in jobs else _group(compiled, name)
    if group not in jobs:
        known = [*jobs, *(compiled.result.pipeline.jobs if compiled.result.pipeline else ())]
        raise ConfigError(f"there is no job '{name}'{suggestion(name, dict.fromkeys(known))}")
    raw = jobs[group].raw
    rows = [*_rows(raw, ()), *_of_instance(compiled, name, raw), *_inherited(config.tree, raw)]
    yield from aligned([(key, value, f"{mark.file}:{mark.line}") for key, value, mark in rows])
    if compiled.decision and name in compiled.decision.jobs:
        one = compiled.decision.jobs[name]
        yield f"\n{state_of(one)}: {one.reason}"
        yield from _rules(compiled, name, raw)
    if compiled.decision and not compiled.decision.created:
        yield f"\nno pipeline: {compiled.decision.reason}"


def _group(compiled: Compiled, name: str) -> str:
    pipeline = compiled.result.pipeline
    return pipeline.jobs[name].group if pipeline and name in pipeline.jobs else ""


def _rules(compiled: Compiled, name: str, raw: Map) -> Iterator[str]:
    """Tell of each rule that was asked where it is and which condition does not hold."""
    pipeline, decision = compiled.result.pipeline, compiled.decision
    if pipeline is None or decision is None:
        return
    job, predefined = pipeline.jobs[name], pipeline_variables(compiled.context)
    view = job_view(job, pipeline, compiled.context, decision.variables, predefined)
    for rule, (_, mark) in zip(job.rules or (), flat_rules(raw.get("rules")), strict=False):
        try:
            key = missed(rule, view)
        except RuleError as problem:
            yield f"  {mark.file}:{mark.line}: {problem}"
            return
        yield f"  {mark.file}:{mark.line}: {f'{key} does not match' if key else 'matches'}"
        if key is None:
            return


def _of_instance(compiled: Compiled, name: str, raw: Map) -> Iterator[tuple[str, str, Mark]]:
    """Add the variables that `parallel:matrix` gives one instance."""
    pipeline = compiled.result.pipeline
    job = pipeline.jobs.get(name) if pipeline else None
    written = raw.get("variables")
    for one in job.own_variables if job and job.parallel and job.parallel.matrix else ():
        if not isinstance(written, Map) or written.get(one.name) != one.value:
            yield f"variables:{one.name} (matrix)", one.value, raw.place("parallel")


def _rows(node: Map, path: tuple[str, ...]) -> Iterator[tuple[str, str, Mark]]:
    for key, value in node.items():
        here = (*path, key)
        if isinstance(value, Map) and value:
            yield from _rows(value, here)
        else:
            yield ":".join(here), _shown(value), node.place(key)


def _inherited(tree: Map, job: Map) -> Iterator[tuple[str, str, Mark]]:
    """Add the global variables that the job does not override."""
    shared, own = tree.get("variables"), job.get("variables")
    if not isinstance(shared, Map):
        return
    for name, value in shared.items():
        if not isinstance(own, Map) or name not in own:
            yield f"variables:{name} (global)", _shown(value), shared.place(name)


def _shown(value: Node) -> str:
    text = value if isinstance(value, str) else json.dumps(to_data(value), ensure_ascii=False)
    first, _, rest = text.partition("\n")
    return first if not rest and len(first) <= _MAX_VALUE else f"{first[:_MAX_VALUE]} ..."

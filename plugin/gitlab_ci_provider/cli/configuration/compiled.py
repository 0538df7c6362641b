"""What `compile` found, as the object that `compile --json` prints.

Jobs have GitLab's keywords after composition, as changed by rules, variables and other keywords.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitlab_ci_provider.cli.configuration.formats import as_data
from gitlab_ci_provider.cli.configuration.repository import with_changes, with_repository
from gitlab_ci_provider.cli.configuration.request import Request
from gitlab_ci_provider.compiler.compile import CompileResult, compile_pipeline
from gitlab_ci_provider.config.raw import Map, to_data
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.diagnostic import Diagnostic, errors_in
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import AllowFailure, JobDecision, PipelineDecision
from gitlab_ci_provider.rules.evaluate import decide_pipeline
from gitlab_ci_provider.sources.directory import DirectoryFetcher
from gitlab_ci_provider.variables.expand import expand_values
from gitlab_ci_provider.variables.precedence import layered, yaml_variables
from gitlab_ci_provider.variables.predefined import pipeline_variables

_RESOLVED = frozenset(
    {
        "extends",
        "inherit",
        "rules",
        "only",
        "except",
        "parallel",
        "variables",
        "needs",
        "start_in",
        "dependencies",
        "interruptible",
    }
)
"""Keywords that something else replaces; everything else is shown as written."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A configuration in one context."""

    context: PipelineContext
    result: CompileResult
    decision: PipelineDecision | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def valid(self) -> bool:
        """Return whether GitLab would accept it."""
        return not errors_in(self.diagnostics)


def compile_request(request: Request) -> Compiled:
    """Compile and decide.

    Raises:
        SourceError: there is nothing to read.
    """
    folder, _ = request.place()
    fetcher = DirectoryFetcher(folder)
    context = with_changes(request, fetcher, request.context())
    result = compile_pipeline(fetcher, context, elsewhere=request.elsewhere())
    if result.pipeline is None:
        return Compiled(context, result, None, result.diagnostics)
    context = with_repository(request, fetcher, result.pipeline, context)
    decision = decide_pipeline(result.pipeline, context)
    return Compiled(context, result, decision, (*result.diagnostics, *decision.errors))


def as_object(compiled: Compiled) -> dict[str, object]:
    """Return the object of `compile --json`."""
    errors = [one.message for one in errors_in(compiled.diagnostics)]
    shown: dict[str, object] = {
        "valid": not errors,
        "error": "; ".join(errors) or None,
        "diagnostics": [as_data(one) for one in compiled.diagnostics],
    }
    pipeline, decision = compiled.result.pipeline, compiled.decision
    if errors or pipeline is None or decision is None:
        return shown
    if not decision.created:
        shown["pipeline"] = "none"
        shown["reason"] = decision.reason
    if decision.name:
        shown["workflow_name"] = decision.name
    shown["stages"] = list(pipeline.stages)
    shown["jobs"] = _jobs(compiled, pipeline, decision) if decision.created else {}
    return shown


def _jobs(
    compiled: Compiled, pipeline: Pipeline, decision: PipelineDecision
) -> dict[str, dict[str, object]]:
    config = compiled.result.config
    raw = {name: one.raw for name, one in config.jobs.items()} if config else {}
    shower = _Shower(pipeline, decision, compiled.context)
    present = [job for job in pipeline.jobs.values() if decision.jobs[job.name].present]
    return {job.name: shower.show(job, raw[job.group]) for job in present}


class _Shower:
    """Shows jobs of one pipeline in one context."""

    def __init__(self, pipeline: Pipeline, decision: PipelineDecision, context: PipelineContext):
        self.pipeline = pipeline
        self.decision = decision
        self.context = context
        self.predefined = pipeline_variables(context)

    def show(self, job: Job, raw: Map) -> dict[str, object]:
        """Return a job's keywords as written, and what they mean in this context."""
        decided = self.decision.jobs[job.name]
        shown: dict[str, object] = {
            key: to_data(value)
            for key, value in raw.items()
            if key not in _RESOLVED and value is not None
        }
        return shown | {
            "stage": job.stage,
            "when": decided.when,
            "allow_failure": _allow_failure(decided.allow_failure),
            "needs": _needs(job, decided),
            **({"start_in": decided.start_in} if decided.start_in is not None else {}),
            **_scripts(job),
            **_effective(job, decided, raw),
            **self._variables(job, decided),
            "rule": decided.rule,
            "reason": decided.reason,
        }

    def _variables(self, job: Job, decided: JobDecision) -> dict[str, object]:
        """Return the file's and the pipeline's variables, as written and expanded."""
        shared, workflow = self.pipeline.variables, self.decision.variables
        written = yaml_variables(job, shared, workflow, decided)
        own = written | self.context.variables
        everything = layered(job, self.context, self.predefined, written)
        return {
            "variables": own.as_dict(),
            "variables_expanded": expand_values(everything, own.names),
        }


def _scripts(job: Job) -> dict[str, object]:
    if job.bridge:
        return {}
    script = job.script
    shown: dict[str, object] = {
        "script": list(script.main),
        "before_script": list(script.before),
        "after_script": list(script.after),
    }
    if job.pre_get_sources:
        shown["hooks"] = {"pre_get_sources_script": list(job.pre_get_sources)}
    return shown


def _effective(job: Job, decided: JobDecision, raw: Map) -> dict[str, object]:
    """Return the keywords whose meaning differs from what the job says."""
    shown: dict[str, object] = {"interruptible": bool(decided.interruptible)}
    if job.dependencies is not None:
        shown["dependencies"] = list(job.dependencies)
    if job.artifacts is not None:
        written = raw.get("artifacts")
        items = written.items() if isinstance(written, Map) else ()
        artifacts = {key: to_data(value) for key, value in items}
        if job.artifacts.paths:  # with what Pages would publish
            artifacts["paths"] = list(job.artifacts.paths)
        shown["artifacts"] = artifacts
    return shown


def _allow_failure(value: AllowFailure) -> object:
    return {"exit_codes": list(value.exit_codes)} if value.exit_codes else value.allowed


def _needs(job: Job, decided: JobDecision) -> Sequence[object] | None:
    needs = job.needs if decided.needs is None else decided.needs
    if needs is None:
        return None
    return [
        {"job": need.job, "artifacts": need.artifacts, "optional": need.optional} for need in needs
    ]

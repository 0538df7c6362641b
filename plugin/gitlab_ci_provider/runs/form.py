"""The run form: what a person, a schedule, a webhook or an API call asks of one run.

Written as DAG params by the renderer, read by `create_pipeline`. A run's conf may contain all of
it; the form in the UI shows what people need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.bridge import Upstream
from gitlab_ci_provider.model.conf import check_conf
from gitlab_ci_provider.model.context import MergeRequest, PipelineSource
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.runs.form_values import (
    boolean,
    commit_id,
    mapping,
    number,
    text,
    texts,
)

REF = "ref"
SHA = "sha"
BEFORE_SHA = "before_sha"
SOURCE = "source"
VARIABLES = "variables"
INPUTS = "inputs"
INPUT_PREFIX = "input_"
MERGE_REQUEST = "merge_request"
SCHEDULE = "schedule"
JOBS = "jobs"
STAGES = "stages"
NO_NEEDS = "no_needs"
MANUAL = "manual"
PUSH_OPTIONS = "push_options"
CHANGED = "changed"
RESERVED = frozenset(
    {
        REF,
        SHA,
        BEFORE_SHA,
        SOURCE,
        VARIABLES,
        INPUTS,
        MERGE_REQUEST,
        SCHEDULE,
        JOBS,
        STAGES,
        NO_NEEDS,
        MANUAL,
        PUSH_OPTIONS,
        CHANGED,
    }
)
SOURCES: tuple[PipelineSource, ...] = (
    "web",
    "api",
    "push",
    "schedule",
    "trigger",
    "pipeline",
    "parent_pipeline",
    "merge_request_event",
    "external",
    "chat",
    "webide",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunForm:
    """What a run asks for, and who started it.

    Attributes:
        ref: branch, tag or commit id; empty for the default branch.
        sha: commit of that ref; empty for its newest.
        before_sha: the ref's commit before the push; empty when it was not given.
        merge_request: set for source `merge_request_event`.
        schedule: description of the schedule.
        schedule_id: GitLab's number of the schedule that all variables are from; 0 otherwise.
        jobs, stages: only these, with the jobs that they need; empty for all jobs.
        no_needs: without the jobs that they need.
        manual: manual and delayed jobs that start without being played.
        skip: the push had the option `ci.skip`.
        changed: the files that have changed, for rules; None when git is asked.
        user: who started the run; empty when unknown.
    """

    ref: str = ""
    sha: str = ""
    before_sha: str = ""
    source: PipelineSource = "web"
    variables: Variables = Variables()
    inputs: Mapping[str, object] = field(default_factory=dict)
    merge_request: MergeRequest | None = None
    schedule: str = ""
    schedule_id: int = 0
    jobs: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    no_needs: bool = False
    manual: tuple[str, ...] = ()
    skip: bool = False
    changed: tuple[str, ...] | None = None
    upstream: Upstream | None = None
    user: str = ""


def form_variables(pipeline: Pipeline) -> Variables:
    """List the variables that have a field of their own: those with a description.

    Source: GitLab docs, CI/CD YAML reference, `variables:description`.
    """
    return Variables(
        variable
        for variable in pipeline.variables
        if variable.description is not None and variable.name not in RESERVED
    )


def read_form(pipeline: Pipeline, params: Mapping[str, Any], *, scheduled: bool) -> RunForm:
    """Read what a run asks for.

    A field that was left at the file's value does not become a pipeline variable: it would win over
    the variables of jobs, though nobody asked for it. The same goes for inputs.

    Raises:
        ConfigError: a value is not valid; the message says which.
    """
    check_conf(params)
    merge_request = _merge_request(params)
    schedule = mapping(params, SCHEDULE)
    usual = "merge_request_event" if merge_request else "web"
    source = "schedule" if scheduled or schedule else str(params.get(SOURCE) or usual)
    if merge_request and source == "web":
        source = usual  # the form's own default, which nobody chose
    return RunForm(
        ref=text(params.get(REF)),
        sha=commit_id(params, SHA),
        before_sha=commit_id(params, BEFORE_SHA),
        source=_source(source, merge_request),
        variables=_variables(pipeline, params),
        inputs=_inputs(pipeline, params),
        merge_request=merge_request,
        schedule=text(schedule.get("description")),
        jobs=texts(params.get(JOBS), JOBS),
        stages=texts(params.get(STAGES), STAGES),
        no_needs=boolean(params.get(NO_NEEDS)),
        manual=texts(params.get(MANUAL), MANUAL),
        skip=_skips(params.get(PUSH_OPTIONS)),
        changed=None if params.get(CHANGED) is None else texts(params[CHANGED], CHANGED),
    )


def _skips(options: Any) -> bool:
    """Look for `ci.skip`: in the form of GitLab's webhooks or of git push options."""
    if isinstance(options, Mapping):
        return "skip" in mapping({PUSH_OPTIONS: options.get("ci")}, PUSH_OPTIONS)
    return "ci.skip" in texts(options, PUSH_OPTIONS)


def _source(given: str, merge_request: MergeRequest | None) -> PipelineSource:
    found = next((source for source in SOURCES if source == given), None)
    if found is None:
        raise ConfigError(f"source '{quoted(given)}' is not one of {', '.join(SOURCES)}")
    if found == "merge_request_event" and merge_request is None:
        message = (
            "source 'merge_request_event' needs `merge_request`: "
            '{"iid": 1, "source_branch": "...", "target_branch": "..."}'
        )
        raise ConfigError(message)
    return found


def _variables(pipeline: Pipeline, params: Mapping[str, Any]) -> Variables:
    filled = Variables(
        Variable(name=field.name, value=text(params[field.name]))
        for field in form_variables(pipeline)
        if field.name in params and text(params[field.name]) != field.value
    )
    return filled | free_variables(params.get(VARIABLES) or {})


def free_variables(given: Any) -> Variables:
    """Read a mapping of names to values.

    Raises:
        ConfigError: it is not a mapping.
    """
    free = mapping({VARIABLES: given}, VARIABLES)
    check_conf({VARIABLES: free})
    return Variables(Variable(name=name, value=text(value)) for name, value in free.items())


def _inputs(pipeline: Pipeline, params: Mapping[str, Any]) -> Mapping[str, object]:
    filled = {field.name: params.get(INPUT_PREFIX + field.name) for field in pipeline.inputs}
    defaults = {field.name: field.default for field in pipeline.inputs}
    chosen = {
        name: value
        for name, value in filled.items()
        if value is not None and value != defaults[name]
    }
    return {**chosen, **mapping(params, INPUTS)}


def _merge_request(params: Mapping[str, Any]) -> MergeRequest | None:
    given = mapping(params, MERGE_REQUEST)
    if not given:
        return None
    source, target = text(given.get("source_branch")), text(given.get("target_branch"))
    if not source or not target:
        raise ConfigError("`merge_request` needs `source_branch` and `target_branch`")
    return MergeRequest(
        iid=number(given.get("iid"), f"{MERGE_REQUEST}.iid"),
        source_branch=source,
        target_branch=target,
        diff_base_sha=commit_id(given, "diff_base_sha"),
        title=text(given.get("title")),
        description=text(given.get("description")),
        labels=texts(given.get("labels"), f"{MERGE_REQUEST}.labels"),
        draft=boolean(given.get("draft")),
    )

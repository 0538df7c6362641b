"""A job: each keyword's reader, and what holds between keywords."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitlab_ci_provider.config.keywords.allow_failure import (
    read_allow_failure,
    read_bridge_allow_failure,
)
from gitlab_ci_provider.config.keywords.artifacts import read_artifacts
from gitlab_ci_provider.config.keywords.as_written import read_as_written, read_hooks
from gitlab_ci_provider.config.keywords.cache import read_caches
from gitlab_ci_provider.config.keywords.coverage import read_coverage
from gitlab_ci_provider.config.keywords.durations import duration
from gitlab_ci_provider.config.keywords.environment import read_environment
from gitlab_ci_provider.config.keywords.fields import (
    Field,
    boolean,
    choice,
    exclusive,
    is_blank,
    is_integer,
    mapping,
    strings,
    text,
)
from gitlab_ci_provider.config.keywords.image import read_image, read_services
from gitlab_ci_provider.config.keywords.job_inputs import read_inputs
from gitlab_ci_provider.config.keywords.needs import BRIDGE_NEEDS, JOB_NEEDS, read_needs
from gitlab_ci_provider.config.keywords.pages import with_published
from gitlab_ci_provider.config.keywords.parallel import Parallel, read_parallel
from gitlab_ci_provider.config.keywords.policy import read_policy
from gitlab_ci_provider.config.keywords.retry import read_retry
from gitlab_ci_provider.config.keywords.rules import read_job_rules
from gitlab_ci_provider.config.keywords.script import read_commands
from gitlab_ci_provider.config.keywords.trigger import read_trigger
from gitlab_ci_provider.config.keywords.variables import read_job_variables
from gitlab_ci_provider.config.raw import Map, Seq
from gitlab_ci_provider.model.bridge import Bridge
from gitlab_ci_provider.model.durations import MONTH, WEEK
from gitlab_ci_provider.model.job import Job, Retry, Script
from gitlab_ci_provider.model.rules import AllowFailure, Rule, When
from gitlab_ci_provider.model.variables import Variables

SHARED_KEYS = frozenset(
    {
        "extends",
        "stage",
        "only",
        "except",
        "rules",
        "variables",
        "inherit",
        "allow_failure",
        "when",
        "needs",
        "resource_group",
        "environment",
        "interruptible",
        "parallel",
    }
)
JOB_KEYS = SHARED_KEYS | {
    "tags",
    "script",
    "image",
    "services",
    "artifacts",
    "cache",
    "dependencies",
    "before_script",
    "after_script",
    "coverage",
    "retry",
    "timeout",
    "release",
    "secrets",
    "id_tokens",
    "hooks",
    "identity",
    "pages",
    "publish",
    "run",
    "inputs",
    "dast_configuration",
    "start_in",
    "manual_confirmation",
}
DEFAULT_NAMES = frozenset(
    {
        "before_script",
        "image",
        "services",
        "after_script",
        "cache",
        "interruptible",
        "timeout",
        "retry",
        "tags",
        "artifacts",
        "hooks",
        "id_tokens",
        "identity",
    }
)
"""Keywords that `default:` may hold and `inherit:default` may name."""

BRIDGE_KEYS = SHARED_KEYS | {"trigger"}
BRIDGE_WHEN = (When.ON_SUCCESS, When.ON_FAILURE, When.ALWAYS, When.MANUAL)
WHEN = (*BRIDGE_WHEN, When.DELAYED)
MAX_NAME = 255
MAX_TAGS = 50
_RULES_ALONE = "Write it into the rules: `if` for only and except, `start_in` next to `when`."
_WITH_RULES = ("only", "except", "start_in")
_EXCLUSIVE = (
    ("script", "run"),
    ("before_script", "run"),
    ("after_script", "run"),
    ("script", "trigger"),
    ("run", "trigger"),
)


@dataclass(frozen=True, slots=True)
class JobConfig:
    """A job as the file means it, before `parallel` makes instances of it.

    Attributes:
        raw: its keywords as written, after composition.
    """

    job: Job
    raw: Map
    parallel: Parallel | None = None


def read_job(field: Field, name: str) -> JobConfig | None:
    """Read a job; None when it is not a mapping with something to do."""
    raw = field.value
    if not isinstance(raw, Map):
        return None
    bridge = is_bridge(raw)
    field.only(BRIDGE_KEYS if bridge else JOB_KEYS)
    _check_name(field, name)
    _check_combinations(field, raw)
    base = _base(field, name, bridge=bridge)
    job = _bridge_part(field, base) if bridge else _run_part(field, base)
    return JobConfig(job, raw, field.read("parallel", read_parallel))


def is_bridge(raw: Map) -> bool:
    """Return whether a job creates or mirrors another pipeline instead of running a script."""
    return "trigger" in raw or ("needs" in raw and "script" not in raw and "run" not in raw)


def _base(field: Field, name: str, *, bridge: bool) -> Job:
    """Read what ordinary jobs and bridges share."""
    when = field.get("when", lambda entry: choice(entry, BRIDGE_WHEN if bridge else WHEN))
    accepted = BRIDGE_NEEDS if bridge else JOB_NEEDS
    needs = field.read("needs", lambda entry: read_needs(entry, accepted))
    return Job(
        name=name,
        group=name,
        stage="test" if (stage := field.read("stage", text)) is None else stage,
        own_variables=field.read("variables", read_job_variables) or Variables(),
        inherited_variables=_inherited_variables(field),
        rules=_rules(field),
        when=when or When.ON_SUCCESS,
        allow_failure=_allow_failure(field, when, bridge=bridge),
        start_in=_start_in(field, when),
        needs=needs[0] if needs else None,
        cross_needs=needs[1] if needs else (),
        only=field.read("only", read_policy),
        excluding=field.read("except", read_policy),
        environment=field.read("environment", read_environment),
        interruptible=field.read("interruptible", boolean) or False,
        resource_group=field.get("resource_group", text),
        manual_confirmation=field.get("manual_confirmation", text),
        location=field.mark.location(),
    )


def _bridge_part(field: Field, job: Job) -> Job:
    """Add what only bridges have."""
    upstream = [need.pipeline for need in job.cross_needs if need.pipeline and not need.job]
    if not upstream and not field.attribute("trigger"):
        field.refuse("should contain either a trigger or a needs:pipeline", "job-nothing-to-do")
    if len(upstream) > 1:
        field.refuse("should contain at most one bridge need")
    copies = field.entry("parallel")
    if copies and is_integer(copies.value):
        copies.refuse('cannot use "parallel: <number>".')
    bridge = field.read("trigger", read_trigger)
    if bridge is None and upstream:
        bridge = Bridge(mirrored_pipeline=upstream[0])
    return replace(job, bridge=bridge)


def _run_part(field: Field, job: Job) -> Job:
    """Add what only jobs with a script have."""
    return replace(
        job,
        script=Script(
            main=field.read("script", read_commands) or (),
            before=field.read("before_script", read_commands) or (),
            after=field.read("after_script", read_commands) or (),
        ),
        image=field.read("image", read_image),
        services=field.read("services", read_services) or (),
        artifacts=with_published(field, field.read("artifacts", read_artifacts)),
        caches=field.read("cache", read_caches) or (),
        dependencies=field.get("dependencies", strings),
        retry=field.read("retry", read_retry) or Retry(),
        timeout=field.read("timeout", read_timeout),
        tags=field.read("tags", read_tags) or (),
        coverage=field.read("coverage", read_coverage),
        pre_get_sources=field.read("hooks", read_hooks) or (),
        inputs=field.read("inputs", read_inputs) or {},
        as_written=read_as_written(field),
    )


def _rules(field: Field) -> tuple[Rule, ...] | None:
    """Read rules; a null that is written lifts the implicit `only`, as an empty list does."""
    if isinstance(field.value, Map) and "rules" in field.value and field.value["rules"] is None:
        return ()
    return field.read("rules", read_job_rules)


def _inherited_variables(field: Field) -> tuple[str, ...] | None:
    inherit = field.entry("inherit")
    if inherit is None or not mapping(inherit, ("default", "variables")):
        return None
    default = inherit.entry("default")
    if default and not isinstance(default.value, bool):
        _default_names(default)
    variables = inherit.entry("variables")
    if variables is None or variables.value is True:
        return None
    if variables.value is False:
        return ()
    return _names(variables)


def _default_names(field: Field) -> None:
    unknown = [name for name in _names(field) or () if name not in DEFAULT_NAMES]
    if unknown:
        field.refuse_words(f"contains unknown values: {', '.join(unknown)}", unknown, DEFAULT_NAMES)


def _names(field: Field) -> tuple[str, ...] | None:
    if isinstance(field.value, Seq):
        return strings(field)
    field.refuse_as("should be a bool or array of strings")
    return None


def read_timeout(field: Field) -> int | None:
    """Read `timeout:` in seconds."""
    return duration(field, MONTH)


def read_tags(field: Field) -> tuple[str, ...] | None:
    """Read `tags:`."""
    tags = strings(field)
    if tags is not None and len(set(tags)) >= MAX_TAGS:
        field.refuse(f"must be less than the limit of {MAX_TAGS} tags")
    return tags


def _allow_failure(field: Field, when: When | None, *, bridge: bool) -> AllowFailure:
    written = read_bridge_allow_failure(field) if bridge else read_allow_failure(field)
    if written is not None:
        return written
    return AllowFailure(allowed=when is When.MANUAL)


def _start_in(field: Field, when: When | None) -> int | None:
    written = field.attribute("start_in")
    if when is When.DELAYED:
        if written is None and not field.attribute("rules"):
            field.refuse_as("start in should be a duration")
        return duration(written, WEEK) if written else None
    if written and not field.attribute("rules") and not is_blank(written.value):
        written.refuse("must be blank")
    return None


def _check_name(field: Field, name: str) -> None:
    if not name.strip():
        field.diagnostics.error("job-name", "jobs:job name can't be blank", field.mark)
    elif len(name) > MAX_NAME:
        field.refuse_as(f"name is too long (maximum is {MAX_NAME} characters)")


def _check_combinations(field: Field, raw: Map) -> None:
    if raw.get("rules") is not None:
        clashing = [key for key in _WITH_RULES if raw.get(key) is not None]
        if clashing:
            words = f"key may not be used with `rules`: {', '.join(clashing)}"
            field.refuse(words, hint=_RULES_ALONE)
    for pair in _EXCLUSIVE:
        exclusive(field, *pair)
    if not is_bridge(raw) and "run" not in raw and is_blank(raw.get("script")):
        field.refuse_as("script can't be blank")

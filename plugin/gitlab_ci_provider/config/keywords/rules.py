"""`rules:` of jobs, `workflow:` and `include:`; lists may be nested, as references make them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitlab_ci_provider.config.keywords.durations import duration
from gitlab_ci_provider.config.keywords.fields import Field, boolean, flat_items, mapping
from gitlab_ci_provider.config.keywords.needs import JOBS_ONLY, read_needs
from gitlab_ci_provider.config.keywords.paths import (
    read_changes,
    read_exists,
    read_exists_of_include,
)
from gitlab_ci_provider.config.keywords.variables import read_plain_variables
from gitlab_ci_provider.config.raw import Map, Reference, Seq
from gitlab_ci_provider.model.durations import WEEK
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.rules import AllowFailure, AutoCancel, Exists, Rule, When
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.rules.expression.parser import ExpressionError, parse

MAX_NESTING = 10
_TOO_EARLY = "GitLab reads `include` before it replaces any `!reference`."
_WRONG = "should be an array containing hashes and arrays of hashes"


@dataclass(frozen=True, slots=True)
class RuleKind:
    """What a place in the file accepts in its rules.

    Attributes:
        nested: whether lists may be nested to ten levels only.
        exists: reads its `exists`.
    """

    keys: tuple[str, ...]
    when: tuple[When, ...]
    nested: bool = False
    exists: Callable[[Field], Exists | None] = read_exists


JOB_RULES = RuleKind(
    ("if", "changes", "exists", "when", "start_in", "allow_failure", "variables", "needs",
     "interruptible"),
    (When.ON_SUCCESS, When.ON_FAILURE, When.ALWAYS, When.NEVER, When.MANUAL, When.DELAYED),
    nested=True,
)  # fmt: skip
WORKFLOW_RULES = RuleKind(
    ("if", "changes", "exists", "when", "start_in", "allow_failure", "variables", "needs",
     "auto_cancel"),
    (When.ALWAYS, When.NEVER),
)  # fmt: skip
INCLUDE_RULES = RuleKind(
    ("if", "changes", "exists", "when"),
    (When.ALWAYS, When.NEVER),
    exists=read_exists_of_include,
)


def read_job_rules(field: Field) -> tuple[Rule, ...] | None:
    """Read `rules:` of a job."""
    return read_rules(field, JOB_RULES)


def read_rules(field: Field, kind: RuleKind) -> tuple[Rule, ...] | None:
    """Read rules of any kind."""
    if kind.nested and not (isinstance(field.value, Seq) and _nested_rules(field.value)):
        owner = field.label.removesuffix(":rules")
        field.diagnostics.error("keyword-invalid", f"{owner} rules {_WRONG}", field.mark)
        return None
    if not isinstance(field.value, Seq):
        early = isinstance(field.value, Reference)
        field.refuse("should be an array", hint=_TOO_EARLY if early else None)
        return None
    if not field.value:
        field.refuse("can't be blank")
    read = [_rule(item, kind) for item in flat_items(field, "rule")]
    return tuple(rule for rule in read if rule)


def _nested_rules(rules: Seq, levels: int = MAX_NESTING) -> bool:
    return levels > 0 and all(
        isinstance(rule, Map) or (isinstance(rule, Seq) and _nested_rules(rule, levels - 1))
        for rule in rules
    )


def _rule(field: Field, kind: RuleKind) -> Rule | None:
    if not mapping(field, kind.keys):
        return None
    if not field.value:
        field.refuse("can't be blank")
    when = field.get("when", lambda entry: _when(entry, kind.when))
    return Rule(
        condition=field.get("if", _condition),
        changes=field.read("changes", read_changes),
        exists=field.read("exists", kind.exists),
        when=when,
        allow_failure=field.get("allow_failure", _allow_failure),
        start_in=_start_in(field, when),
        variables=field.read("variables", read_plain_variables) or Variables(),
        needs=field.read("needs", _local_needs),
        interruptible=field.get("interruptible", boolean),
        auto_cancel=field.read("auto_cancel", read_auto_cancel),
        location=field.mark.location(),
    )


def _local_needs(field: Field) -> tuple[Need, ...] | None:
    read = read_needs(field, JOBS_ONLY)
    return read[0] if read else None


def _allow_failure(field: Field) -> AllowFailure | None:
    allowed = boolean(field)
    return None if allowed is None else AllowFailure(allowed=allowed)


def _when(field: Field, allowed: tuple[When, ...]) -> When | None:
    for when in allowed:
        if field.value == when:
            return when
    shown = str(field.value).lower() if isinstance(field.value, bool) else field.value
    field.refuse(f"unknown value: {shown}", hint=f"Use one of {', '.join(allowed)}.")
    return None


def _start_in(field: Field, when: When | None) -> int | None:
    if when is When.DELAYED:
        if isinstance(field.value, Map) and field.value.get("start_in") is None:
            field.refuse_as("start in can't be blank")
        return field.get("start_in", lambda entry: duration(entry, WEEK))
    if isinstance(field.value, Map) and "start_in" in field.value:
        field.refuse("contains disallowed keys: start_in")
    return None


def _condition(field: Field) -> str | None:
    if not isinstance(field.value, str):
        field.refuse("invalid expression syntax")
        return None
    try:
        parse(field.value)
    except ExpressionError as error:
        field.refuse("invalid expression syntax", "rules-if-syntax", hint=str(error))
        return None
    return field.value


def read_auto_cancel(field: Field) -> AutoCancel | None:
    """Read `auto_cancel:`."""
    if not mapping(field, ("on_new_commit", "on_job_failure")):
        return None
    return AutoCancel(
        on_new_commit=field.get("on_new_commit", _one_of("conservative", "interruptible", "none")),
        on_job_failure=field.get("on_job_failure", _one_of("none", "all")),
    )


def _one_of(*words: str) -> Callable[[Field], str | None]:
    def read(field: Field) -> str | None:
        if field.value in words:
            return str(field.value)
        field.refuse(f"must be one of: {', '.join(words)}")
        return None

    return read

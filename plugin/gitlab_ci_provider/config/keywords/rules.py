"""`rules:` of jobs, `workflow:` and `include:`; lists may be nested, as references make them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitlab_ci_provider.config.keywords.durations import WEEK, duration
from gitlab_ci_provider.config.keywords.fields import Field, boolean, choice, mapping, text
from gitlab_ci_provider.config.keywords.needs import JOBS_ONLY, read_needs
from gitlab_ci_provider.config.keywords.paths import read_changes, read_exists
from gitlab_ci_provider.config.keywords.variables import read_plain_variables
from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.rules import AllowFailure, AutoCancel, Rule, When
from gitlab_ci_provider.rules.expression.parser import ExpressionError, parse

MAX_NESTING = 10
_WRONG = "should be an array containing hashes and arrays of hashes"


@dataclass(frozen=True, slots=True)
class RuleKind:
    """What a place in the file accepts in its rules."""

    keys: tuple[str, ...]
    when: tuple[When, ...]


JOB_RULES = RuleKind(
    ("if", "changes", "exists", "when", "start_in", "allow_failure", "variables", "needs",
     "interruptible"),
    (When.ON_SUCCESS, When.ON_FAILURE, When.ALWAYS, When.NEVER, When.MANUAL, When.DELAYED),
)  # fmt: skip
WORKFLOW_RULES = RuleKind(
    ("if", "changes", "exists", "when", "variables", "auto_cancel"), (When.ALWAYS, When.NEVER)
)
INCLUDE_RULES = RuleKind(("if", "changes", "exists", "when"), (When.ALWAYS, When.NEVER))


def read_job_rules(field: Field) -> tuple[Rule, ...] | None:
    """Read `rules:` of a job."""
    return read_rules(field, JOB_RULES)


def read_rules(field: Field, kind: RuleKind) -> tuple[Rule, ...] | None:
    """Read rules of any kind."""
    if not isinstance(field.value, Seq) or not _nested_rules(field.value, MAX_NESTING):
        field.report.error(
            "keyword-invalid", f"{field.label.removesuffix(':rules')} rules {_WRONG}", field.mark
        )
        return None
    if not field.value:
        field.refuse("can't be blank")
    label = f"{field.label}:rule"
    read: list[Rule | None] = []
    for value, mark in _flat(field.value):
        item = Field(value, label, f"{label} config", mark, field.report)
        read.append(_rule(item, kind))
    return tuple(rule for rule in read if rule)


def _nested_rules(rules: Seq, levels: int) -> bool:
    return levels > 0 and all(
        isinstance(rule, Map) or (isinstance(rule, Seq) and _nested_rules(rule, levels - 1))
        for rule in rules
    )


def _flat(rules: Seq) -> list[tuple[Node, Mark]]:
    found: list[tuple[Node, Mark]] = []
    for position, rule in enumerate(rules):
        if isinstance(rule, Seq):
            found.extend(_flat(rule))
        else:
            found.append((rule, rule.mark if isinstance(rule, Map) else rules.place(position)))
    return found


def _rule(field: Field, kind: RuleKind) -> Rule | None:
    if not mapping(field, kind.keys):
        return None
    if not field.value:
        field.refuse("can't be blank")
    when = field.get("when", lambda entry: _when(entry, kind.when))
    return Rule(
        condition=field.get("if", _condition),
        changes=field.read("changes", read_changes),
        exists=field.read("exists", read_exists),
        when=when,
        allow_failure=field.get("allow_failure", _allow_failure),
        start_in=_start_in(field, when),
        variables=field.read("variables", read_plain_variables) or (),
        needs=field.read("needs", _local_needs),
        interruptible=field.get("interruptible", boolean),
        auto_cancel=field.read("auto_cancel", read_auto_cancel),
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
    if field.attribute("start_in"):
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
        on_new_commit=field.get(
            "on_new_commit", _one_of("none", "conservative", "interruptible", "disabled")
        ),
        on_job_failure=field.get("on_job_failure", _one_of("none", "all")),
    )


def _one_of(*words: str) -> Callable[[Field], str | None]:
    return lambda field: choice(field, words) if text(field) else None

"""Conditions of rules that hold in no pipeline.

Only what GitLab's own variables and the condition itself contradict is reported: a variable that is
unknown here may come from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from gitlab_ci_provider.model.context import PipelineSource
from gitlab_ci_provider.rules.expression.ast import (
    Constant,
    Expression,
    Operation,
    Pattern,
    VariableName,
)
from gitlab_ci_provider.rules.expression.evaluator import evaluate, truthful
from gitlab_ci_provider.rules.expression.parser import ExpressionError, parse
from gitlab_ci_provider.rules.expression.regex import is_pattern

_SOURCE = "CI_PIPELINE_SOURCE"
_MERGE_REQUEST = "merge_request_event"
_SOURCES = frozenset(get_args(PipelineSource)) | {
    "unknown",
    "container_registry_push",
    "duo_workflow",
    "pipeline_execution_policy_schedule",
}
"""All of GitLab's sources, including those that cannot happen here."""

_UNKNOWN_TO_RULES = frozenset(
    {
        "CI_PIPELINE_ID",
        "CI_PIPELINE_URL",
        "CI_JOB_ID",
        "CI_JOB_URL",
        "CI_JOB_TOKEN",
        "CI_JOB_STARTED_AT",
        "CI_REGISTRY_USER",
        "CI_REGISTRY_PASSWORD",
        "CI_REPOSITORY_URL",
        "CI_DEPLOY_USER",
        "CI_DEPLOY_PASSWORD",
        "CI_PROJECT_DIR",
        "CI_BUILDS_DIR",
    }
)
"""GitLab's persisted variables, and the runner's."""


def impossible(condition: str) -> str | None:
    """Say why a condition can hold in no pipeline; None when it may."""
    try:
        return _why(parse(condition))
    except ExpressionError:
        return None


def _why(node: Expression) -> str | None:
    if isinstance(node, Operation) and node.operator == "||":
        left = _why(node.left)
        return left and (_why(node.right) and left)
    terms = list(_conjunction(node))
    for term in terms:
        why = _term(term)
        if why:
            return why
    return _contradiction(terms) or _context(terms)


def _conjunction(node: Expression) -> Iterator[Expression]:
    if isinstance(node, Operation) and node.operator == "&&":
        yield from _conjunction(node.left)
        yield from _conjunction(node.right)
    else:
        yield node


def _term(term: Expression) -> str | None:
    """Look at one operand of `&&` alone."""
    if isinstance(term, Operation) and term.operator == "||":
        return _why(term)
    compared = _compared(term)
    if compared is None:
        return None
    name, value = compared
    if isinstance(value, bool):
        return f'variables are always strings; compare with "{str(value).lower()}"'
    if isinstance(value, Pattern) or (value and is_pattern(value)):
        return "== compares strings; use =~ for a pattern"
    if name == _SOURCE and value not in _SOURCES:
        return f"{_SOURCE} is never {value!r}"
    return None


def _contradiction(terms: Sequence[Expression]) -> str | None:
    """Insert the value that one term requires into the others that read the same variable."""
    for compared in filter(None, map(_compared, terms)):
        name, value = compared
        if not isinstance(value, str | None):
            continue
        variables = {} if value is None else {name: value}
        for term in terms:
            if _names(term) == {name} and not truthful(evaluate(term, variables)):
                return f"it requires two different values of {name}"
    return None


def _context(terms: Sequence[Expression]) -> str | None:
    """Compare what must be set with what GitLab sets together."""
    known = dict(filter(None, map(_compared, terms)))
    needed = {name for term in terms for name in _names(term) if _needs(term, name)}
    source = known.get(_SOURCE)
    never = sorted(needed & _UNKNOWN_TO_RULES)
    if never:
        return f"{never[0]} is not available in rules"
    if {"CI_COMMIT_BRANCH", "CI_COMMIT_TAG"} <= needed:
        return "a pipeline has either CI_COMMIT_BRANCH or CI_COMMIT_TAG, never both"
    for name in sorted(needed):
        if name in ("CI_COMMIT_BRANCH", "CI_COMMIT_TAG") and source == _MERGE_REQUEST:
            return f"merge request pipelines have no {name}"
        of_merge_request = name.startswith("CI_MERGE_REQUEST_")
        if of_merge_request and source not in (None, _MERGE_REQUEST, "parent_pipeline"):
            return f"only merge request pipelines have {name}"
    return None


def _needs(term: Expression, name: str) -> bool:
    """Return whether a term is false wherever a variable is missing."""
    return _names(term) == {name} and not truthful(evaluate(term, {}))


def _names(node: Expression) -> set[str]:
    if isinstance(node, Operation):
        return _names(node.left) | _names(node.right)
    return {node.name} if isinstance(node, VariableName) else set()


def _compared(term: Expression) -> tuple[str, str | bool | Pattern | None] | None:
    """Return the variable and the fixed value of `$NAME == value`."""
    if not isinstance(term, Operation) or term.operator != "==":
        return None
    for variable, other in ((term.left, term.right), (term.right, term.left)):
        if isinstance(variable, VariableName) and isinstance(other, Constant | Pattern):
            return variable.name, other.value if isinstance(other, Constant) else other
    return None

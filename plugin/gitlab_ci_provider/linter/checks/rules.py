"""Rules that can never decide anything, or let two pipelines happen for one push."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.model.context import PipelineSource
from gitlab_ci_provider.model.diagnostic import Diagnostic, SourceLocation, warning
from gitlab_ci_provider.model.rules import Rule, When
from gitlab_ci_provider.rules.expression.ast import Constant, Expression, Operation, VariableName
from gitlab_ci_provider.rules.expression.parser import ExpressionError, parse

_SOURCE = "CI_PIPELINE_SOURCE"


def check_rules(config: CiConfig) -> Iterator[Diagnostic]:
    """Check the rules of the workflow and of all jobs."""
    place = config.tree.place("workflow").location()
    yield from _check_list(config.workflow.rules or (), "workflow:rules", place)
    for name, one in config.jobs.items():
        rules = one.job.rules or ()
        yield from _check_list(rules, f"jobs:{name}:rules", one.job.location)
        if not config.workflow.rules and _allows_duplicates(rules):
            yield warning(
                "pipelines-duplicate",
                f"jobs:{name} may allow multiple pipelines to run for a single action due to "
                "`rules:when` clause with no `workflow:rules`",
                one.job.location,
                "Add workflow:rules that choose between branch and merge request pipelines.",
            )


def _allows_duplicates(rules: Sequence[Rule]) -> bool:
    """Tell, as GitLab does, whether the last rule is a `when` alone."""
    if not rules:
        return False
    last = rules[-1]
    return last == Rule(when=last.when) and last.when not in (None, When.NEVER)


def _check_list(rules: Sequence[Rule], label: str, place: SourceLocation) -> Iterator[Diagnostic]:
    for position, rule in enumerate(rules, start=1):
        if _always(rule) and position < len(rules):
            words = f"{label}: rules after rule {position} are never reached, it always matches"
            yield warning("rules-unreachable", words, place)
            break
    for position, rule in enumerate(rules, start=1):
        why = impossible(rule.condition) if rule.condition else None
        if why:
            words = f"{label}: rule {position} never matches: {why}"
            yield warning("rules-never-match", words, place)
    if rules and all(rule.when is When.NEVER for rule in rules):
        yield warning("rules-only-never", f"{label}: every rule says never", place)


def _always(rule: Rule) -> bool:
    return rule.condition is None and rule.changes is None and rule.exists is None


def impossible(condition: str) -> str | None:
    """Say why a condition can hold in no pipeline; None when it may."""
    try:
        terms = list(_conjunction(parse(condition)))
    except ExpressionError:
        return None
    wanted = {_SOURCE: _compared(terms, _SOURCE)}
    known = set(get_args(PipelineSource))
    for source in wanted[_SOURCE]:
        if source not in known:
            return f"{_SOURCE} is never {source!r}"
    required = {term.name for term in terms if isinstance(term, VariableName)}
    if {"CI_COMMIT_BRANCH", "CI_COMMIT_TAG"} <= required:
        return "a pipeline has either CI_COMMIT_BRANCH or CI_COMMIT_TAG"
    if "CI_COMMIT_BRANCH" in required and "merge_request_event" in wanted[_SOURCE]:
        return "merge request pipelines have no CI_COMMIT_BRANCH"
    return None


def _conjunction(node: Expression) -> Iterator[Expression]:
    if isinstance(node, Operation) and node.operator == "&&":
        yield from _conjunction(node.left)
        yield from _conjunction(node.right)
    else:
        yield node


def _compared(terms: Sequence[Expression], name: str) -> list[str]:
    found: list[str] = []
    for term in terms:
        if not isinstance(term, Operation) or term.operator != "==":
            continue
        left, right = term.left, term.right
        if isinstance(left, Constant):
            left, right = right, left
        if left == VariableName(name) and isinstance(right, Constant) and right.value:
            found.append(str(right.value))
    return found

"""Whether one rule matches: `if`, `changes` and `exists`, all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.project import RefKind
from gitlab_ci_provider.model.rules import Changes, Exists, Rule
from gitlab_ci_provider.rules.expression.evaluator import is_true
from gitlab_ci_provider.rules.expression.lexer import ExpressionError
from gitlab_ci_provider.rules.expression.regex import compile_re2
from gitlab_ci_provider.rules.globs import is_plain, matches
from gitlab_ci_provider.variables.expand import expand_known

_DIFFED = ("merge_request_event", "external_pull_request_event")
MAX_COMPARISONS = 50_000
"""More comparisons of patterns and files than this count as a match, as in GitLab."""


@dataclass(frozen=True)
class RuleView:
    """All that a rule may look at.

    Attributes:
        variables: not expanded, for `if`.
        expand: gives the expanded ones, for `changes` and `exists`; called when needed only.
        changed_paths: None when there is no push diff; `changes` is true then.
        tree: gives the files at the commit, for `exists`; called when needed only.
        other_trees: files of other projects, by `project@ref`, for `exists:project`.
    """

    variables: Mapping[str, str]
    expand: Callable[[], Mapping[str, str]]
    changed_paths: Collection[str] | None = None
    tree: Callable[[], Collection[str]] = tuple
    other_trees: Mapping[str, Collection[str]] = field(default_factory=dict)

    @cached_property
    def expanded(self) -> Mapping[str, str]:
        """The variables after expansion."""
        return self.expand()


def pushed_paths(context: PipelineContext) -> Collection[str] | None:
    """Give the files of the push; None where GitLab has no push to look at.

    Only pushes to branches and merge requests have a diff: for tags, schedules, the API and
    everything else `changes` is true.
    """
    if context.source in _DIFFED or (
        context.source == "push" and context.ref.kind is RefKind.BRANCH
    ):
        return context.changed_paths
    return None


def rule_matches(rule: Rule, view: RuleView) -> bool:
    """Tell whether all conditions of a rule hold; one without conditions always does."""
    if rule.condition is not None and not condition_holds(rule.condition, view.variables):
        return False
    if rule.changes is not None and not changes_match(rule.changes, view):
        return False
    return rule.exists is None or _exists_match(rule.exists, view)


def condition_holds(condition: str, variables: Mapping[str, str]) -> bool:
    """Evaluate `if`; a broken expression, which compiling reports, holds for nobody."""
    try:
        return is_true(condition, variables)
    except ExpressionError:
        return False


def changes_match(changes: Changes, view: RuleView) -> bool:
    """Tell whether a file of the push matches."""
    if view.changed_paths is None:
        return True
    if changes.regexp is not None:
        return _regexp_matches(changes.regexp, view.changed_paths)
    patterns = [expand_known(pattern, view.expanded) for pattern in changes.paths]
    if len(patterns) * len(view.changed_paths) > MAX_COMPARISONS:
        return True
    return any(matches(pattern, path) for pattern in patterns for path in view.changed_paths)


def _exists_match(exists: Exists, view: RuleView) -> bool:
    paths = _tree(exists, view)
    if exists.regexp is not None:
        return _regexp_matches(exists.regexp, paths)
    patterns = [expand_known(pattern, view.expanded).lstrip("/") for pattern in exists.paths]
    if any(is_plain(pattern) and pattern in paths for pattern in patterns):
        return True
    globs = [pattern for pattern in patterns if not is_plain(pattern)]
    compared = 0
    for path in paths if globs else ():
        for pattern in globs:
            compared += 1
            if compared > MAX_COMPARISONS or matches(pattern, path):
                return True
    return False


def _tree(exists: Exists, view: RuleView) -> Collection[str]:
    if exists.project is None:
        return view.tree()
    project = expand_known(exists.project, view.expanded)
    ref = expand_known(exists.ref or "", view.expanded)
    return view.other_trees.get(f"{project}@{ref}", ())


def _regexp_matches(pattern: str, paths: Collection[str]) -> bool:
    regex = compile_re2(pattern.removeprefix("/").removesuffix("/"))
    return regex is not None and any(regex.search(path) for path in paths)

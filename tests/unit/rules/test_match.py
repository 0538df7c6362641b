"""When a rule matches: changes, exists and their limits."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.rules import Changes, Exists, Rule
from gitlab_ci_provider.rules.match import RuleView, rule_matches


def _view(**values: object) -> RuleView:
    variables = {"KIND": "c", "NESTED": "$KIND"}
    expanded = {"KIND": "c", "NESTED": "c"}
    return RuleView(variables=variables, expand=lambda: expanded, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "paths", "expected"),
    [
        (None, ("nothing",), True),
        (frozenset(), ("**/*",), False),
        ({"a.c"}, ("*.$NESTED",), True),
        ({"a.c"}, ("*.$UNKNOWN",), False),
        ({"$UNKNOWN"}, ("$UNKNOWN",), True),
        ({"a.c"}, (), False),
    ],
)
def test_changes(changed: frozenset[str] | None, paths: tuple[str, ...], expected: bool):
    """Without a push diff `changes` holds; globs see expanded variables, unknown ones literal."""
    rule = Rule(changes=Changes(paths=paths))

    assert rule_matches(rule, _view(changed_paths=changed)) is expected


def test_too_many_comparisons_of_changes_match():
    """More than 50,000 comparisons count as a match."""
    changed = frozenset(f"f{n}" for n in range(2000))
    patterns = tuple(f"x{n}*" for n in range(26))

    assert rule_matches(Rule(changes=Changes(paths=patterns)), _view(changed_paths=changed))


def test_too_many_comparisons_of_exists_match():
    """The same holds for `exists`, for globs only: plain names are looked up."""
    tree = frozenset(f"f{n}" for n in range(60_000))
    view = _view(tree=lambda: tree)

    assert rule_matches(Rule(exists=Exists(paths=("x*",))), view)
    assert not rule_matches(Rule(exists=Exists(paths=("x",))), view)


def test_exists_in_another_project():
    """`exists:project` looks at that project's files."""
    rule = Rule(exists=Exists(paths=("a",), project="g/p", ref="main"))

    assert rule_matches(rule, _view(other_trees={"g/p@main": {"a"}}))
    assert not rule_matches(rule, _view(tree=lambda: {"a"}))


def test_all_conditions_must_hold():
    """Keys of one rule are ANDed."""
    rule = Rule(condition='$KIND == "c"', changes=Changes(paths=("a",)))

    assert rule_matches(rule, _view(changed_paths={"a"}))
    assert not rule_matches(rule, _view(changed_paths={"b"}))


def test_regexp_of_paths():
    """`regexp` searches the paths."""
    rule = Rule(changes=Changes(regexp=r"\.[ch]$"))

    assert rule_matches(rule, _view(changed_paths={"deep/a.c"}))
    assert not rule_matches(rule, _view(changed_paths={"a.py"}))

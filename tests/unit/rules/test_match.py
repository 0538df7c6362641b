"""When a rule matches: changes, exists and their limits."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.rules import Changes, Exists, Rule
from gitlab_ci_provider.rules.match import RuleError, rule_matches
from gitlab_ci_provider.rules.view import RuleView


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
    """The same holds for `exists`, for globs only: names and endings are cheap."""
    tree = frozenset(f"d/f{n}" for n in range(60_000))
    view = _view(tree=lambda: tree)

    assert rule_matches(Rule(exists=Exists(paths=("d/x*",))), view)
    for cheap in ("x", "x*", "**/*.rb"):
        assert not rule_matches(Rule(exists=Exists(paths=(cheap,))), view)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("**/*.rb", True), ("*.rb", False), ("**/*.r", False), ("/d/a.rb", False),
        ("d/a.rb", True), ("d/*", True), ("*", False), ("**/*.{rb,py}", True),
        ("d/", True), ("d", False), ("e/", False), ("*/", False),
    ],
)  # fmt: skip
def test_exists(pattern: str, expected: bool):
    """Globs are compared with paths from the root, without a leading slash; `d/` is a folder."""
    view = _view(tree=lambda: frozenset({"d/a.rb"}))

    assert rule_matches(Rule(exists=Exists(paths=(pattern,))), view) is expected


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


def test_regexp_is_taken_whole():
    """A `regexp` has no delimiters: slashes at its ends belong to it."""
    rule = Rule(changes=Changes(regexp="^docs/"))

    assert rule_matches(rule, _view(changed_paths={"docs/a"}))
    assert not rule_matches(rule, _view(changed_paths={"docs-old"}))


def test_regexp_knows_variables_and_its_limit():
    """A `regexp` is expanded first, and then at most 255 characters long."""
    assert rule_matches(
        Rule(exists=Exists(regexp=r"\.$NESTED$")), _view(tree=lambda: frozenset({"a.c"}))
    )
    with pytest.raises(RuleError, match="rules:changes:regexp is too long"):
        rule_matches(Rule(changes=Changes(regexp="x" * 256)), _view(changed_paths={"a"}))


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"\A(?!docs/)", "src/a", "docs/a"),
        (r"^(?!docs/|[()|]\(x)(?=s).*\.py$", "src/a.py", "docs/a.py"),
        (r"\A(?!(a|b)/)(?!c)", "d/x", "b/x"),
        (r"\A(?!a)(b|c)", "c", "a"),
    ],
)
def test_regexp_may_say_how_paths_do_not_begin(pattern: str, yes: str, no: str):
    """Lookaheads at the beginning are those of Ruby."""
    rule = Rule(changes=Changes(regexp=pattern))

    assert rule_matches(rule, _view(changed_paths={yes}))
    assert not rule_matches(rule, _view(changed_paths={no}))


@pytest.mark.parametrize(
    "pattern", [r"a(?!b)", r"\A(?!a)b|c", r"\A(?!a", r"\A(?=(?!a))b", "$KIND("]
)
def test_regexp_that_cannot_be_decided_is_an_error(pattern: str):
    """Nothing is left out in silence because of a pattern that RE2 has no answer to."""
    with pytest.raises(RuleError, match="rules:exists:regexp is invalid"):
        rule_matches(Rule(exists=Exists(regexp=pattern)), _view(tree=lambda: frozenset({"a"})))


def test_compare_to_looks_at_what_differs_from_a_ref():
    """`compare_to` has a diff of its own, whatever made the pipeline; its name is expanded."""
    rule = Rule(changes=Changes(paths=("a",), compare_to="b-$KIND"))

    assert rule_matches(rule, _view(changed_paths=None, compared={"b-c": {"a"}}))
    assert not rule_matches(rule, _view(changed_paths={"a"}, compared={"b-c": {"x"}}))
    assert not rule_matches(rule, _view(compared={"b-c": frozenset()}))


def test_compare_to_a_ref_that_nobody_looked_at():
    """Without a diff from the ref, the files that were given stand for it."""
    rule = Rule(changes=Changes(paths=("a",), compare_to="main"))

    assert rule_matches(rule, _view(given_paths={"a"}))
    assert not rule_matches(rule, _view(given_paths={"b"}))
    assert rule_matches(rule, _view(given_paths=None))


def test_compare_to_an_unknown_ref_is_an_error():
    """GitLab creates no pipeline when `compare_to` names nothing."""
    rule = Rule(changes=Changes(paths=("a",), compare_to="gone"))

    with pytest.raises(RuleError, match="rules:changes:compare_to is not a valid ref"):
        rule_matches(rule, _view(compared={"gone": None}))


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        (None, "rules:exists:project `g/p` is not a valid project path"),
        ("v1", "rules:exists:ref `v1` is not a valid ref in project `g/p`"),
    ],
)
def test_exists_in_an_unknown_project_is_an_error(ref: str | None, words: str):
    """GitLab creates no pipeline when `exists:project` or `ref` name nothing."""
    rule = Rule(exists=Exists(paths=("a",), project="g/p", ref=ref))

    with pytest.raises(RuleError, match=words):
        rule_matches(rule, _view(other_trees={f"g/p@{ref or ''}": None}))

"""What a decision asks of the repository."""

from __future__ import annotations

from factories import make_context, make_job, make_pipeline, make_variables
from gitlab_ci_provider.model.rules import Changes, Exists, Rule
from gitlab_ci_provider.rules.evaluate import decide, decide_pipeline
from gitlab_ci_provider.rules.wanted import Wanted, wanted


def test_nothing_is_wanted_without_rules_that_ask():
    """Files are not listed for `if` and plain `changes`."""
    job = make_job("a", rules=(Rule(condition="$CI"), Rule(changes=Changes(paths=("a",)))))

    found = wanted(make_pipeline(job), make_context())

    assert found == Wanted(tree=False, compared=frozenset(), other_trees=frozenset())


def test_names_are_expanded_with_the_variables_of_their_job():
    """The same rule may ask for another ref in each job."""
    rules = (
        Rule(changes=Changes(paths=("a",), compare_to="$BASE")),
        Rule(exists=Exists(paths=("a",), project="g/$NAME")),
        Rule(exists=Exists(paths=("a",), project="g/p", ref="$BASE")),
    )
    one = make_job("one", rules=rules, own_variables=make_variables(BASE="main", NAME="p"))
    two = make_job("two", rules=rules[:1], own_variables=make_variables(BASE="dev"))

    found = wanted(make_pipeline(one, two), make_context())

    assert found.compared == {"main", "dev"}
    assert found.other_trees == {"g/p@", "g/p@main"}
    assert not found.tree


def test_the_workflow_may_ask_too():
    """`workflow:rules:exists` needs the files as well."""
    pipeline = make_pipeline(make_job("a"), workflow=(Rule(exists=Exists(paths=("a",))),))

    assert wanted(pipeline, make_context()).tree


def test_a_rule_that_names_nothing_prevents_the_pipeline():
    """The error is that of GitLab, and the job is not in the pipeline."""
    rule = Rule(changes=Changes(paths=("a",), compare_to="gone"))
    pipeline = make_pipeline(make_job("a", rules=(rule,)), make_job("b"))

    decision = decide_pipeline(pipeline, make_context(compared={"gone": None}))

    words = "Failed to parse rule for a: rules:changes:compare_to is not a valid ref"
    assert decision.errors == (words,)
    assert not decision.jobs["a"].present


def test_a_broken_workflow_rule_makes_no_pipeline():
    """GitLab filters such a pipeline out."""
    rule = Rule(changes=Changes(paths=("a",), compare_to="gone"))
    pipeline = make_pipeline(make_job("a"), workflow=(rule, Rule()))

    decision = decide_pipeline(pipeline, make_context(compared={"gone": None}))

    assert not decision.created
    assert "compare_to is not a valid ref" in decision.reason


def test_a_schedule_compares_too():
    """`compare_to` has a diff where a push has none."""
    rule = Rule(changes=Changes(paths=("a",), compare_to="main"))
    job = make_job("a", rules=(rule,))
    context = make_context(source="schedule", compared={"main": frozenset({"b"})})

    assert not decide(job, make_pipeline(job), context).present

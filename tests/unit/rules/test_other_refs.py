"""Rules that look at other refs."""

from __future__ import annotations

from dataclasses import replace

from factories import make_context, make_job, make_pipeline
from gitlab_ci_provider.model.pipeline import Workflow
from gitlab_ci_provider.model.rules import Changes, Exists, Rule
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.rules.evaluate import decide, decide_pipeline


def test_a_rule_that_names_nothing_prevents_the_pipeline():
    """The error is that of GitLab, and the job is not in the pipeline."""
    rule = Rule(changes=Changes(paths=("a",), compare_to="gone"))
    pipeline = make_pipeline(make_job("a", rules=(rule,)), make_job("b"))

    decision = decide_pipeline(pipeline, make_context(compared={"gone": None}))

    words = "Failed to parse rule for a: rules:changes:compare_to is not a valid ref"
    assert [(error.code, error.message) for error in decision.errors] == [("rules-broken", words)]
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


def test_names_and_messages_show_no_masked_variable():
    """What everybody reads holds no secret: names leave it out, messages mask it as GitLab does."""
    secret = Variable(name="S", value="topsecret", masked=True)
    rule = Rule(exists=Exists(paths=("a",), project="g/$S"))
    pipeline = make_pipeline(make_job("a", rules=(rule,)))
    pipeline = replace(pipeline, workflow=Workflow(name="run $S$CI_COMMIT_REF_NAME"))
    context = make_context(
        configured=ConfiguredVariables(project=(secret,)), other_trees={"g/topsecret@": None}
    )

    decision = decide_pipeline(pipeline, context)

    assert decision.name == "run main"
    assert "`g/xxxxxxxxx` is not a valid project path" in decision.errors[0].message

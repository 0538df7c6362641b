"""Decisions: which jobs a pipeline has and how they run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factories import make_context, make_job, make_pipeline, make_variables
from gitlab_ci_provider.model.diagnostic import SourceLocation
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.model.rules import AllowFailure, Changes, Policy, Rule, When
from gitlab_ci_provider.rules.evaluate import decide, decide_pipeline


def test_first_matching_rule_decides():
    """Rules are asked in order; the first that matches gives the decision and the reason."""
    rules = (
        Rule(condition="$CI_COMMIT_TAG"),
        Rule(condition="$CI_COMMIT_BRANCH", when=When.MANUAL),
        Rule(when=When.ALWAYS),
    )
    job = make_job("a", rules=rules)

    decision = decide(job, make_pipeline(job), make_context())

    assert (decision.present, decision.when, decision.rule) == (True, When.MANUAL, 1)
    assert decision.reason == "rule 2 ($CI_COMMIT_BRANCH) matches"


def test_no_matching_rule_leaves_the_job_out():
    """A job whose rules do not match is not in the pipeline."""
    job = make_job("a", rules=(Rule(condition="$CI_COMMIT_TAG"),))

    decision = decide(job, make_pipeline(job), make_context())

    assert (decision.present, decision.reason) == (False, "no rule matches")


def test_manual_in_rules_does_not_allow_failure():
    """Unlike the job's own `when: manual`, a manual rule blocks the pipeline."""
    job = make_job("a", rules=(Rule(when=When.MANUAL),))

    assert not decide(job, make_pipeline(job), make_context()).allow_failure.allowed


def test_rule_overrides_what_it_names():
    """Variables, needs, allow_failure and interruptible of the rule win."""
    rule = Rule(
        variables=make_variables(A="rule"), needs=(Need(job="c"),),
        allow_failure=AllowFailure(allowed=True),
        interruptible=True,
    )  # fmt: skip
    job = make_job("a", rules=(rule,), needs=(Need(job="b"),))

    decision = decide(job, make_pipeline(job, make_job("b"), make_job("c")), make_context())

    assert decision.variables == make_variables(A="rule")
    assert decision.needs == (Need(job="c"),)
    assert decision.allow_failure.allowed
    assert decision.interruptible


def test_jobs_without_rules_stay_out_of_merge_requests():
    """Without rules a job is for branches and tags, unless `workflow:rules` are written."""
    job = make_job("a")
    context = make_context(source="merge_request_event", target_branch="main")

    plain = decide_pipeline(make_pipeline(job), context)
    ruled = decide_pipeline(make_pipeline(job, workflow=(Rule(when=When.ALWAYS),)), context)

    assert not plain.jobs["a"].present
    assert not plain.created
    assert ruled.jobs["a"].present


@pytest.mark.parametrize(
    ("when", "created"), [(None, True), (When.ALWAYS, True), (When.NEVER, False)]
)
def test_workflow_decides_whether_there_is_a_pipeline(when: When | None, created: bool):
    """The first matching rule of the workflow creates or prevents the pipeline."""
    pipeline = make_pipeline(make_job("a"), workflow=(Rule(condition="$CI", when=when),))

    assert decide_pipeline(pipeline, make_context()).created is created


def test_workflow_variables_reach_the_rules_of_jobs():
    """`workflow:rules:variables` override the global ones before jobs are decided."""
    job = make_job("a", rules=(Rule(condition='$KIND == "release"'),))
    workflow = (Rule(variables=make_variables(KIND="release")),)
    pipeline = make_pipeline(job, workflow=workflow, variables=make_variables(KIND="test"))

    assert decide_pipeline(pipeline, make_context()).jobs["a"].present


def test_need_on_an_absent_job_is_an_error():
    """GitLab creates no pipeline then, and says so."""
    absent = make_job("b", rules=(Rule(when=When.NEVER),))
    pipeline = make_pipeline(make_job("a", needs=(Need(job="b"),)), absent)

    decision = decide_pipeline(pipeline, make_context())

    problem = decision.errors[0]
    assert problem.code == "needs-absent-job"
    assert problem.message.startswith("'a' job needs 'b' job, but 'b' does not exist")


def test_optional_need_on_an_absent_job_is_dropped():
    """Optional means that the job need not exist."""
    absent = make_job("b", rules=(Rule(when=When.NEVER),))
    needs = (Need(job="b", optional=True), Need(job="c"))
    pipeline = make_pipeline(make_job("a", needs=needs), absent, make_job("c"))

    decision = decide_pipeline(pipeline, make_context())

    assert decision.jobs["a"].needs == (Need(job="c"),)
    assert decision.errors == ()


def test_only_pre_and_post_make_no_pipeline():
    """A pipeline needs a job in an ordinary stage."""
    pipeline = make_pipeline(make_job("a", stage=".pre"), make_job("b", stage=".post"))

    assert not decide_pipeline(pipeline, make_context()).created


@pytest.mark.parametrize(
    ("only", "excluding", "present"),
    [
        (Policy(refs=("branches",)), None, True),
        (Policy(refs=("tags",)), None, False),
        (Policy(refs=("/^ma/",)), None, True),
        (Policy(refs=("main@group/project",)), None, True),
        (Policy(refs=("main@group/other",)), None, False),
        (Policy(refs=("main",), variables=("$NOTHING",)), None, False),
        (Policy(refs=("schedules", "pushes")), None, True),
        (None, Policy(refs=("main",)), False),
        (None, Policy(refs=("dev",), variables=("$CI",)), False),
        (Policy(refs=("main",)), Policy(changes=("a",)), True),
        (Policy(kubernetes="active"), None, False),
    ],
)
def test_only_and_except(only: Policy | None, excluding: Policy | None, present: bool):
    """Keys of `only` are ANDed, those of `except` ORed."""
    job = make_job("a", only=only, excluding=excluding)
    context = make_context(changed_paths=frozenset({"b"}))

    assert decide(job, make_pipeline(job), context).present is present


def test_branch_variable_is_absent_on_tags():
    """CI_COMMIT_BRANCH exists in branch pipelines only."""
    job = make_job("a", rules=(Rule(condition="$CI_COMMIT_BRANCH"),))
    context = make_context(ref=Ref(name="v1", sha="b" * 40, kind=RefKind.TAG))

    assert not decide(job, make_pipeline(job), context).present


@pytest.mark.parametrize(
    ("source", "kind", "present"),
    [
        ("push", RefKind.BRANCH, False),
        ("push", RefKind.TAG, True),
        ("schedule", RefKind.BRANCH, True),
        ("web", RefKind.BRANCH, True),
        ("merge_request_event", RefKind.BRANCH, False),
    ],
)
def test_changes_are_true_without_a_push(source: str, kind: RefKind, present: bool):
    """Only branch pushes and merge requests have a diff; anywhere else `changes` holds."""
    job = make_job("a", rules=(Rule(changes=Changes(paths=("b",))),))
    ref = Ref(name="x", sha="b" * 40, kind=kind)
    context = make_context(ref=ref, source=source, changed_paths=frozenset({"c"}))

    assert decide(job, make_pipeline(job), context).present is present


def test_empty_rules_lift_the_implicit_only():
    """A job whose rules are null is in every pipeline, merge requests included."""
    job = make_job("a", rules=())
    context = make_context(source="merge_request_event", target_branch="main")

    assert decide(job, make_pipeline(job), context).present


def test_empty_needs_of_a_rule_keep_the_jobs_needs():
    """Only needs that name a job replace those of the job."""
    job = make_job("a", needs=(Need(job="b"),), rules=(Rule(needs=()),))

    assert decide(job, make_pipeline(job, make_job("b")), make_context()).needs is None


def test_too_many_needs_matter_only_when_the_job_is_there():
    """GitLab counts the needs of jobs that the rules leave in."""
    others = [make_job(f"n{number}") for number in range(51)]
    needs = tuple(Need(job=one.name) for one in others)
    rules = (Rule(condition="$CI_COMMIT_TAG"),)

    absent = make_pipeline(make_job("a", needs=needs, rules=rules), *others)
    present = make_pipeline(make_job("a", needs=needs), *others)

    assert decide_pipeline(absent, make_context()).errors == ()
    problem = decide_pipeline(present, make_context()).errors[0]
    assert problem.code == "needs-too-many"
    assert problem.message.startswith("a: one job can only need 50 others, but you have listed 51.")


@pytest.mark.parametrize(
    ("source", "word"),
    [("push", "pushes"), ("push", "push"), ("api", "api"), ("schedule", "schedules")],
)
def test_sources_are_words_of_only(source: str, word: str):
    """A source is named in singular or plural."""
    job = make_job("a", only=Policy(refs=(word,)))

    assert decide(job, make_pipeline(job), make_context(source=source)).present


def test_only_the_jobs_own_needs_must_be_there():
    """GitLab holds the job's needs against a pipeline, even where a rule replaces them."""
    never = (Rule(when=When.NEVER),)
    gone, here = make_job("gone", rules=never), make_job("here")
    job = make_job("a", needs=(Need(job="gone"),), rules=(Rule(needs=(Need(job="here"),)),))
    other = make_job("b", needs=(Need(job="here"),), rules=(Rule(needs=(Need(job="gone"),)),))

    jobs = decide_pipeline(make_pipeline(gone, here, job, other), make_context()).jobs

    assert "'a' job needs 'gone' job" in jobs["a"].errors[0].message
    assert (jobs["b"].needs, jobs["b"].errors) == ((), ())


@pytest.mark.parametrize(
    ("only", "excluding", "words"),
    [
        (Policy(refs=("/^v/", "tags")), None, "`only:refs` does not match (/^v/, tags)"),
        (Policy(refs=("main",), variables=("$NO",)), None, "`only:variables` does not match ($NO)"),
        (None, Policy(refs=("branches",)), "`except:refs` matches (branches)"),
        (Policy(kubernetes="active"), None, "`only:kubernetes` does not match (active)"),
        (Policy(refs=("main",)), None, "`only` matches"),
        (None, Policy(refs=("dev",)), "`except` does not match"),
        (None, None, "no rules"),
    ],
)
def test_policies_say_which_key_decided(only: Policy | None, excluding: Policy | None, words: str):
    """The reason names the key and what was written there."""
    job = make_job("a", only=only, excluding=excluding)

    assert decide(job, make_pipeline(job), make_context()).reason == words


def test_an_error_of_a_job_stands_at_the_job():
    """The code that finds the error knows where it is; nothing guesses it from the message."""
    place = SourceLocation(file="ci/jobs.yml", line=7, column=1)
    job = make_job("a", needs=(Need(job="gone"),), location=place)

    errors = decide_pipeline(make_pipeline(job), make_context()).errors

    assert [error.location for error in errors] == [place]


def test_a_cycle_of_rules_has_the_code_of_circular_needs():
    """Needs of matching rules may make jobs wait for each other."""
    first = make_job("a", rules=(Rule(needs=(Need(job="b"),)),))
    second = make_job("b", rules=(Rule(needs=(Need(job="a"),)),))

    errors = decide_pipeline(make_pipeline(first, second), make_context()).errors

    assert [error.code for error in errors] == ["needs-circular"]


def test_a_name_that_is_too_long_stands_at_the_file():
    """`workflow:name` belongs to no job."""
    workflow = (Rule(when=When.ALWAYS),)
    pipeline = make_pipeline(make_job("a"), workflow=workflow)
    named = replace(pipeline, workflow=replace(pipeline.workflow, name="x" * 256))

    errors = decide_pipeline(named, make_context()).errors

    found = [(error.code, error.location.file) for error in errors]
    assert found == [("workflow-name", ".gitlab-ci.yml")]

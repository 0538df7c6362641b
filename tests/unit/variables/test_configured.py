"""Which variables of the instance, groups and project a job gets."""

from __future__ import annotations

import pytest

from factories import make_context, make_job, make_pipeline, make_variables
from gitlab_ci_provider.model.environment import Environment
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.rules import Rule
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.rules.evaluate import decide
from gitlab_ci_provider.variables.configured import applicable, scope_matches
from gitlab_ci_provider.variables.precedence import effective_variables


def _of_project(*variables: Variable) -> ConfiguredVariables:
    return ConfiguredVariables(project=variables)


def _values(configured: ConfiguredVariables, **given: object) -> dict[str, str]:
    found = applicable(configured, **{"protected": True, **given})  # type: ignore[arg-type]
    return found.as_dict()


@pytest.mark.parametrize(
    ("scope", "environment", "expected"),
    [
        ("*", None, True),
        ("*", "production", True),
        ("production", "production", True),
        ("production", "Production", False),
        ("production", None, False),
        ("review/*", "review/a/b", True),
        ("review/*", "review", False),
        ("*/eu", "prod/eu", True),
        ("r*w/*x", "review/ax", True),
        ("re_iew", "review", False),
        ("rev.ew", "review", False),
    ],
)
def test_scope(scope: str, environment: str | None, expected: bool):
    """Only `*` is special in an environment scope, and it crosses slashes."""
    assert scope_matches(scope, environment) is expected


def test_protected_variables_need_a_protected_ref():
    """Pipelines of other refs never see them."""
    configured = _of_project(Variable(name="A", value="1", protected=True))

    assert _values(configured, protected=False) == {}
    assert _values(configured) == {"A": "1"}


def test_the_closest_scope_wins():
    """An exact name wins over a pattern, a longer pattern over a shorter one, any over `*`."""
    scopes = ("review/app", "*", "review/*", "r*")
    variables = [Variable(name="A", value=scope, environment_scope=scope) for scope in scopes]

    for position, expected in enumerate(("review/app", "review/*", "r*", "*")):
        left = [one for one in variables if one.value in ("*", "r*", "review/*", "review/app")]
        left = [one for one in left if one.value not in ("review/app", "review/*", "r*")[:position]]
        assert _values(_of_project(*left), environment="review/app") == {"A": expected}


def test_project_over_closest_group_over_instance():
    """GitLab's order; an outer group yields to an inner one."""
    configured = ConfiguredVariables(
        instance=make_variables(A="i", B="i", C="i", D="i"),
        groups=(make_variables(B="outer", C="outer", D="outer"), make_variables(C="g", D="g")),
        project=make_variables(D="p"),
    )

    assert _values(configured) == {"A": "i", "B": "outer", "C": "g", "D": "p"}


def test_they_win_over_the_file_and_yield_to_the_pipeline():
    """Project variables stand between those of the file and those of the run."""
    job = make_job("a", own_variables=make_variables(A="file", B="file"))
    context = make_context(
        configured=_of_project(*make_variables(A="project", B="project")),
        variables=make_variables(B="run"),
    )

    found = {one.name: one.value for one in effective_variables(job, make_pipeline(job), context)}

    assert (found["A"], found["B"]) == ("project", "run")


def test_the_scope_is_matched_with_the_expanded_environment():
    """A job of `review/$NAME` gets the variables of `review/*`, and rules see them."""
    scoped = Variable(name="A", value="1", environment_scope="review/*")
    rules = (Rule(condition='$A == "1"'),)
    context = make_context(configured=_of_project(scoped, *make_variables(NAME="x")))
    job = make_job("a", environment=Environment(name="review/$NAME"), rules=rules)
    other = make_job("b", rules=rules)

    assert decide(job, make_pipeline(job, other), context).present
    assert not decide(other, make_pipeline(job, other), context).present


def test_rules_of_unprotected_refs_see_no_protected_variables():
    """Whether a ref is protected is part of the context."""
    job = make_job("a", rules=(Rule(condition="$A"),))
    configured = _of_project(Variable(name="A", value="1", protected=True))

    for protected in (True, False):
        ref = Ref(name="main", sha="a" * 40, protected=protected)
        context = make_context(ref=ref, configured=configured)
        assert decide(job, make_pipeline(job), context).present is protected

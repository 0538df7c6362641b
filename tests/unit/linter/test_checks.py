"""Warnings that golden cases do not show."""

from __future__ import annotations

import pytest

from factories import make_job, try_compile
from gitlab_ci_provider.config.includes.locations import Location
from gitlab_ci_provider.config.raw import Mark
from gitlab_ci_provider.linter.checks.conditions import impossible
from gitlab_ci_provider.linter.checks.includes import unpinned
from gitlab_ci_provider.linter.lint import lint
from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.environment import Environment
from gitlab_ci_provider.model.support import limits


@pytest.mark.parametrize(
    ("condition", "never"),
    [
        ('$CI_PIPELINE_SOURCE == "merge_requests"', True),
        ('"pushed" == $CI_PIPELINE_SOURCE', True),
        ('$CI_PIPELINE_SOURCE == "push" || $CI_PIPELINE_SOURCE == "x"', False),
        ("$CI_COMMIT_BRANCH && $CI_COMMIT_TAG", True),
        ("$CI_COMMIT_BRANCH || $CI_COMMIT_TAG", False),
        ("$CI_COMMIT_TAG != null", False),
        ('$CI_COMMIT_BRANCH && $CI_PIPELINE_SOURCE == "merge_request_event"', True),
        ('$CI_PIPELINE_SOURCE == "schedule"', False),
        ('"x" == $A && $A', False),
        ("${BROKEN}", False),
        ('$A == "x" && $A == "y"', True),
        ('$A == "x" && $A != "x"', True),
        ('$A == "x" && $A =~ /^y/', True),
        ('$A == "x" && $A =~ /^x/', False),
        ("$A && $A == null", True),
        ('$A == null && $A == "x"', True),
        ("$A == null", False),
        ('($A == "x" || $A == "y") && $B', False),
        ('$A == "x" || $A == "y"', False),
        ('($A == "x" && $A == "y") || ($B && $B == null)', True),
        ("$A == true", True),
        ('$A == "true"', False),
        ('$A == "/^v/"', True),
        ("$A =~ /^v/", False),
        ('"true" == "false"', False),
        ("$CI_PIPELINE_ID", True),
        ("$CI_PIPELINE_ID == null", False),
        ('$CI_MERGE_REQUEST_IID && $CI_PIPELINE_SOURCE == "push"', True),
        ('$CI_COMMIT_TAG && $CI_PIPELINE_SOURCE == "merge_request_event"', True),
        ('$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_TAG == null', False),
    ],
)
def test_condition_that_never_holds(condition: str, never: bool):
    """Only conditions that contradict GitLab's own variables are reported."""
    assert (impossible(condition) is not None) is never


@pytest.mark.parametrize(
    ("kind", "path", "ref", "pinned"),
    [
        ("local", "a.yml", None, True),
        ("project", "a.yml", None, False),
        ("project", "a.yml", "main", False),
        ("project", "a.yml", "a" * 40, True),
        ("remote", "https://x/a.yml", None, False),
        ("component", "h/p/c@~latest", None, False),
        ("component", "h/p/c@1.2", None, False),
        ("component", "h/p/c@1.2.3", None, True),
        ("component", "h/p/c@" + "b" * 40, None, True),
        ("component", "h/p/c@main", None, False),
        ("component", "h/p/c@release-1.2.3", None, False),
        ("component", "h/p/c@v1.2.3-rc.1", None, True),
    ],
)
def test_includes_that_may_change(kind: str, path: str, ref: str | None, pinned: bool):
    """Files from elsewhere should be pinned to a commit, digest or full version."""
    location = Location(kind, path, Mark("f"), {}, project="p", ref=ref)

    assert (unpinned(location) is None) is pinned


def test_of_an_environment_only_what_nobody_does_is_reported():
    """Deployments are recorded; stopping, agents and trigger jobs are GitLab's."""
    plain = make_job("a", environment=Environment(name="x", on_stop="stop"))
    more = Environment(name="x", auto_stop_in="1 day", kubernetes={"agent": "a"})

    assert list(limits(plain)) == []
    assert [one.keyword for one in limits(make_job("b", environment=more))] == [
        "environment:auto_stop_in",
        "environment:kubernetes",
    ]


@pytest.mark.parametrize(
    ("name", "pages", "told"),
    [
        ("docs", True, True),
        ("docs", {"publish": "dist"}, True),
        ("docs", None, False),
        ("docs", False, False),
        ("pages", None, True),
        ("pages", False, False),
    ],
)
def test_of_pages_it_is_said_that_nothing_is_published(name: str, pages: object, told: bool):
    """Where GitLab would publish: a job called `pages` is enough, and `pages: false` denies it."""
    job = make_job(name, as_written={} if pages is None else {"pages": pages})

    assert [one.keyword for one in limits(job)] == (["pages"] if told else [])


def test_a_keyword_that_many_jobs_share_is_reported_once():
    """Where it is written; of many jobs, the first ones are named."""
    extending = "".join(f"j{number}: {{extends: .base}}\n" for number in range(8))

    found = try_compile(f".base: {{script: x, image: {{name: a, entrypoint: [b]}}}}\n{extending}")

    told = [one.message.partition(" is not")[0] for one in found.diagnostics]
    assert told == ["j0, j1, j2, j3, j4 and 3 more jobs: image:entrypoint"]


def test_a_rule_that_asks_for_files_of_another_project_is_reported_where_none_can_be_read():
    """It would seem not to match."""
    found = try_compile("a: {script: x, rules: [{exists: {paths: [a], project: g/p}}]}").diagnostics

    assert [(one.code, one.location.line) for one in found] == [("exists-unavailable", 1)]


def test_inputs_of_a_file_without_a_header_are_reported_once():
    """Nothing replaces them, silently in GitLab."""
    writes = "'echo \\$[[ inputs.x ]]', 'echo \"spec: {}\" \"$[[ inputs.x ]]\"'"
    uses = "'$[[ inputs.x ]]', '$[[inputs.y]]'"
    compiled = try_compile(f"a: {{script: [{uses}]}}\nb: {{script: [{writes}]}}")
    assert compiled.config

    found = [one for one in lint(compiled.config) if one.code == "inputs-without-header"]
    assert [one.location.line for one in found] == [1]


def test_what_changes_a_jobs_meaning_is_blocking():
    """A job that needs an identity is refused; one whose reports nobody shows may run."""
    identified = make_job("a", as_written={"identity": "google_cloud"})
    reports = make_job("b", artifacts=Artifacts(reports={"sast": ("a.json",)}))

    assert [(one.keyword, one.blocking) for one in limits(identified)] == [("identity", True)]
    assert [(one.keyword, one.blocking) for one in limits(reports)] == [
        ("artifacts:reports:sast", False)
    ]
    assert list(limits(make_job("c"))) == []

"""Predefined variables of a context and of a job."""

from __future__ import annotations

import pytest

from factories import make_context, make_job
from gitlab_ci_provider.model.environment import Environment
from gitlab_ci_provider.model.job import ParallelIndex
from gitlab_ci_provider.model.project import Commit, Ref, RefKind
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.variables.predefined import (
    guess_tier,
    job_variables,
    pipeline_variables,
)
from gitlab_ci_provider.variables.slugs import environment_slug, slug


def _values(variables: Variables) -> dict[str, str]:
    return variables.as_dict()


def test_branch_pipeline():
    """A push to a branch has the branch, no tag and no merge request."""
    commit = Commit(message="Title\n\nMore\ntext", author="A <a@b>", timestamp="2026-01-01")
    values = _values(pipeline_variables(make_context(commit=commit)))

    assert values["CI_COMMIT_BRANCH"] == "main"
    assert values["CI_COMMIT_TITLE"] == "Title"
    assert values["CI_COMMIT_DESCRIPTION"] == "\nMore\ntext"
    assert values["CI_COMMIT_SHORT_SHA"] == "a" * 8
    assert values["CI_PROJECT_NAMESPACE"] == "group"
    assert values["CI_SERVER_FQDN"] == "gitlab.example.com"
    assert "CI_COMMIT_TAG" not in values
    assert "CI_MERGE_REQUEST_IID" not in values


@pytest.mark.parametrize(
    ("message", "title", "description"),
    [
        ("Title\n", "Title", ""),
        ("Title\r\n\r\nMore\n", "Title", "\r\nMore"),
        (f"{'t' * 99}\nMore\n", "t" * 99, "More"),
        (f"{'t' * 100}\nMore\n", "t" * 100, f"{'t' * 100}\nMore\n"),
    ],
)
def test_the_description_of_a_commit(message: str, title: str, description: str):
    """All after the first line but the last line's end; the whole message if the title is long."""
    values = _values(pipeline_variables(make_context(commit=Commit(message=message))))

    assert values["CI_COMMIT_TITLE"] == title
    assert values["CI_COMMIT_DESCRIPTION"] == description


def test_tag_pipeline():
    """A tag has no branch."""
    ref = Ref(name="v1.0", sha="b" * 40, kind=RefKind.TAG, protected=True)
    values = _values(pipeline_variables(make_context(ref=ref)))

    assert values["CI_COMMIT_TAG"] == "v1.0"
    assert values["CI_COMMIT_REF_SLUG"] == "v1-0"
    assert values["CI_COMMIT_REF_PROTECTED"] == "true"
    assert "CI_COMMIT_BRANCH" not in values


def test_merge_request_pipeline():
    """A merge request has source and target, and no branch."""
    context = make_context(source="merge_request_event", target_branch="stable")
    values = _values(pipeline_variables(context))

    assert values["CI_MERGE_REQUEST_TARGET_BRANCH_NAME"] == "stable"
    assert values["CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"] == "main"
    assert "CI_COMMIT_BRANCH" not in values


def test_job():
    """A job knows its name, stage, place among its copies and environment."""
    job = make_job(
        "test: [a]",
        group="test",
        parallel=ParallelIndex(index=2, total=3, matrix=True),
        environment=Environment(name="review/$NAME"),
    )
    values = _values(job_variables(job, "review/x"))

    assert values["CI_JOB_GROUP_NAME"] == "test"
    assert (values["CI_NODE_INDEX"], values["CI_NODE_TOTAL"]) == ("2", "3")
    assert values["CI_ENVIRONMENT_NAME"] == "review/x"
    assert values["CI_ENVIRONMENT_TIER"] == "development"
    assert values["CI_ENVIRONMENT_SLUG"].startswith("review-x-")


@pytest.mark.parametrize(
    ("name", "made"),
    [("Feature/ABC_1", "feature-abc-1"), ("-x-", "x"), ("a" * 70, "a" * 63), ("ü", "")],
)
def test_slug(name: str, made: str):
    """Slugs fit into host names."""
    assert slug(name) == made


def test_environment_slug_is_short_and_unique():
    """Names that become alike get different slugs of at most 24 characters."""
    names = ["review/one", "review-one", "Review/One", "1st", "x" * 50]
    made = [environment_slug(name) for name in names]

    assert len(set(made)) == len(names)
    assert all(len(one) <= 24 and one[0].isalpha() for one in made)
    assert environment_slug("staging") == "staging"
    assert environment_slug(".x").startswith("env-x-")


@pytest.mark.parametrize(
    ("name", "tier"),
    [("production", "production"), ("Staging", "staging"), ("qa-1", "testing"), ("x", "other")],
)
def test_tier_is_guessed_from_the_name(name: str, tier: str):
    """An environment without a tier gets one by its name."""
    assert guess_tier(name) == tier

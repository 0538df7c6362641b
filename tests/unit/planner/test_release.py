"""What a job wants released."""

from __future__ import annotations

from factories import make_job, make_variables
from gitlab_ci_provider.model.release import Release, ReleaseLink
from gitlab_ci_provider.planner.release import plan_release
from gitlab_ci_provider.variables.masking import Masker

VARIABLES = make_variables(
    CI_COMMIT_TAG="v1", CI_COMMIT_SHA="abc", NAME="Name", SECRET="s3cr3t-s3cr3t"
)


def plan(**written: object) -> Release | None:
    """Plan the release of a job."""
    job = make_job("release", as_written={"release": written} if written else {})
    return plan_release(job, VARIABLES, Masker(["s3cr3t-s3cr3t"]))


def test_no_release_is_none():
    """Most jobs have none."""
    assert plan() is None


def test_every_text_is_expanded():
    """Milestones and links too."""
    found = plan(
        tag_name="$CI_COMMIT_TAG",
        description="$NAME is out",
        name="Release $NAME",
        milestones=["m-$CI_COMMIT_TAG"],
        assets={"links": [{"name": "$NAME", "url": "https://x/$CI_COMMIT_TAG", "filepath": "/f"}]},
    )

    assert found == Release(
        tag_name="v1",
        description="Name is out",
        name="Release Name",
        ref="abc",
        milestones=("m-v1",),
        links=(ReleaseLink(name="Name", url="https://x/v1", filepath="/f"),),
    )


def test_an_empty_tag_is_the_pipelines():
    """And the ref is its commit, as glab is told to take them."""
    found = plan(tag_name="$NOTHING", description="d", milestones="one")

    assert found is not None
    assert (found.tag_name, found.ref, found.milestones) == ("v1", "abc", ("one",))


def test_secrets_are_hidden():
    """The release is kept where many can read it."""
    found = plan(tag_name="v1", description="token $SECRET")

    assert found is not None
    assert found.description == "token [MASKED]"

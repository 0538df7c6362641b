"""The GIT_ variables of a job."""

from __future__ import annotations

import pytest

from factories import make_plan_request, with_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.plan import GetSources
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.planner.plan import plan_job


def planned(**values: str) -> GetSources:
    sources = plan_job(make_plan_request(with_variables(**values))).plan.sources
    assert sources is not None
    return sources


def test_submodules_as_the_runner_reads_them():
    """Depth is that of the repository unless told otherwise, paths are separated by white space."""
    sources = planned(
        GIT_DEPTH="5",
        GIT_SUBMODULE_STRATEGY="recursive",
        GIT_SUBMODULE_PATHS="a :(exclude)b",
        GIT_SUBMODULE_UPDATE_FLAGS="--remote --jobs 4",
        GIT_SUBMODULE_FORCE_HTTPS="TRUE",
    )

    assert sources.submodule_strategy == "recursive"
    assert sources.submodule_paths == ("a", ":(exclude)b")
    assert sources.submodule_depth == 5
    assert sources.submodule_flags == ("--remote", "--jobs", "4")
    assert sources.https_submodules


@pytest.mark.parametrize("strategy", ["none", "empty"])
def test_no_repository_no_submodules(strategy: str):
    """`GIT_STRATEGY: none` switches them off as well."""
    assert planned(GIT_STRATEGY=strategy, GIT_SUBMODULE_STRATEGY="normal").submodule_strategy == (
        "none"
    )


def test_checkout_and_lfs_can_be_switched_off():
    """Both as Go reads booleans."""
    sources = planned(GIT_CHECKOUT="False", GIT_LFS_SKIP_SMUDGE="1")

    assert (sources.checkout, sources.lfs) == (False, False)
    assert (planned().checkout, planned().lfs) == (True, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIT_SUBMODULE_STRATEGY", "all"),
        ("GIT_SUBMODULE_PATHS", ":(exclude) a"),
        ("GIT_SUBMODULE_DEPTH", "-1"),
        ("GIT_CHECKOUT", "maybe"),
        ("GIT_FETCH_EXTRA_FLAGS", "'--upload-pack=id;git-upload-pack' file:///any/repo"),
        ("GIT_CLEAN_FLAGS", "-ffdx --interactive"),
        ("GIT_SUBMODULE_UPDATE_FLAGS", "--reference /any/repo"),
        ("GIT_CLONE_PATH", "/etc"),
        ("GIT_CLONE_PATH", "$CI_BUILDS_DIR/../etc"),
        ("GIT_CLONE_PATH", "/builds"),
    ],
)
def test_what_cannot_be_honoured_is_refused(name: str, value: str):
    """A job that would get something else than it asked for does not start."""
    with pytest.raises(SystemFailure, match=name) as problem:
        planned(**{name: value})

    assert problem.value.reason == "runner_configuration_error"


def test_flags_of_clone_are_refused_where_the_runner_would_use_them():
    """It fetches unless a feature flag says otherwise, and then these flags mean nothing."""
    flags = {"GIT_CLONE_EXTRA_FLAGS": "--filter=blob:none", "GIT_STRATEGY": "clone"}

    assert planned(**flags).strategy == "clone"
    with pytest.raises(SystemFailure, match="GIT_CLONE_EXTRA_FLAGS"):
        planned(**flags, FF_USE_GIT_NATIVE_CLONE="true")


def test_the_working_copy_can_lie_elsewhere():
    """GIT_CLONE_PATH may use other variables, and CI_PROJECT_DIR follows it."""
    job = with_variables(GIT_CLONE_PATH="$CI_BUILDS_DIR/go/src/$CI_PROJECT_NAME")

    planned = plan_job(make_plan_request(job))

    assert planned.plan.project_dir == "/builds/go/src/project"
    assert {one.name: one.value for one in planned.plan.variables}["CI_PROJECT_DIR"] == (
        "/builds/go/src/project"
    )
    assert "cd /builds/go/src/project\n" in planned.secret["step_script"]


def test_a_refusal_quotes_no_secret():
    """What is wrong with a variable may be the value of a masked one."""
    secret = Variable(name="TOKEN", value="top-secret-value", masked=True)
    job = with_variables(GIT_DEPTH="$TOKEN")

    with pytest.raises(SystemFailure, match=r"GIT_DEPTH is '\[MASKED\]'"):
        plan_job(make_plan_request(job, configured=ConfiguredVariables(project=(secret,))))


@pytest.mark.parametrize("strategy", ["fetch", "clone"])
def test_all_branches_and_tags_belong_to_a_whole_history(strategy: str):
    """`GIT_DEPTH: 0` is what asks for `origin/main...HEAD`, `git describe` and the like."""
    whole = planned(GIT_DEPTH="0", GIT_STRATEGY=strategy)

    assert whole.refspecs == ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    assert planned(GIT_STRATEGY=strategy).refspecs == ("+refs/heads/main:refs/remotes/origin/main",)

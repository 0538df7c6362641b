"""The GIT_ variables of a job."""

from __future__ import annotations

from dataclasses import replace

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
        ("GIT_FETCH_EXTRA_FLAGS", "'--upload-pack=id;git-upload-pack' file:///any/repo"),
        ("GIT_CLEAN_FLAGS", "-ffdx --interactive"),
        ("GIT_SUBMODULE_UPDATE_FLAGS", "--reference /any/repo"),
        ("GIT_CLONE_PATH", "/etc"),
        ("GIT_CLONE_PATH", "$CI_BUILDS_DIR/../etc"),
        ("GIT_CLONE_PATH", "/builds"),
    ],
)
def test_what_must_not_be_obeyed_is_refused(name: str, value: str):
    """Such a job does not start; the message names the variable."""
    with pytest.raises(SystemFailure, match=name) as problem:
        planned(**{name: value})

    assert problem.value.reason == "runner_configuration_error"


@pytest.mark.parametrize(
    ("name", "value", "warning"),
    [
        (
            "GIT_STRATEGY",
            "copy",
            "expected either 'fetch', 'clone', 'none' or 'empty' got \"copy\", using default value",
        ),
        ("GIT_CHECKOUT", "maybe", 'expected bool got "maybe", using default value: true'),
        ("GET_SOURCES_ATTEMPTS", "99", "attempts out of the range [1, 10], clamping to: 10"),
        ("GIT_SSL_NO_VERIFY", "1", "does not apply to the fetch of the sources"),
        ("GIT_TRACE", "/builds/trace", "does not apply to the fetch of the sources"),
    ],
)
def test_what_cannot_be_read_counts_as_its_default(name: str, value: str, warning: str):
    """As with the runner, which says so in the job's log and goes on."""
    usual = planned()
    plan = plan_job(make_plan_request(with_variables(**{name: value}))).plan

    (said,) = plan.warnings
    assert said.startswith(name)
    assert warning in said
    assert plan.sources is not None
    assert replace(plan.sources, attempts=1) == usual


@pytest.mark.parametrize(
    ("text", "depth"), [("5", 5), ("", 0), ("0", 0), ("-1", 0), ("all", 0), ("7 commits", 7)]
)
def test_depth_is_read_as_gitlab_reads_it(text: str, depth: int):
    """By Ruby's `to_i`: what is not a number asks for the whole history."""
    assert planned(GIT_DEPTH=text).depth == depth


def test_git_clones_only_where_the_runner_does():
    """It fetches unless a feature flag says otherwise, and then flags of clone mean nothing."""
    flags = {"GIT_CLONE_EXTRA_FLAGS": "--filter=blob:none", "GIT_STRATEGY": "clone"}

    assert planned(**flags).clone_flags is None
    assert planned(**flags, FF_USE_GIT_NATIVE_CLONE="true").clone_flags == ("--filter=blob:none",)


@pytest.mark.parametrize("flag", ["--upload-pack=id", "-c core.sshCommand=id", "--reference /x"])
def test_hostile_flags_of_clone_are_refused(flag: str):
    """They would run next to the login of the repository's server."""
    with pytest.raises(SystemFailure, match="GIT_CLONE_EXTRA_FLAGS"):
        planned(GIT_CLONE_EXTRA_FLAGS=flag, GIT_STRATEGY="clone", FF_USE_GIT_NATIVE_CLONE="1")


def test_traces_of_git_reach_the_fetch():
    """They show how git gets the sources; no trace goes into a file."""
    assert planned(GIT_TRACE="1", GIT_CURL_VERBOSE="true").git_settings == (
        "GIT_TRACE=1",
        "GIT_CURL_VERBOSE=true",
    )


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
    job = with_variables(GIT_SUBMODULE_STRATEGY="$TOKEN")

    with pytest.raises(SystemFailure, match=r"GIT_SUBMODULE_STRATEGY is '\[MASKED\]'"):
        plan_job(make_plan_request(job, configured=ConfiguredVariables(project=(secret,))))


@pytest.mark.parametrize("strategy", ["fetch", "clone"])
def test_all_branches_and_tags_belong_to_a_whole_history(strategy: str):
    """`GIT_DEPTH: 0` is what asks for `origin/main...HEAD`, `git describe` and the like."""
    whole = planned(GIT_DEPTH="0", GIT_STRATEGY=strategy)

    assert whole.refspecs == ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    assert planned(GIT_STRATEGY=strategy).refspecs == ("+refs/heads/main:refs/remotes/origin/main",)

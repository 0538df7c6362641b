"""Which flags of git a job may give, and how the others are refused."""

from __future__ import annotations

import pytest

from factories import make_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.planner.git_flags import read_flags

CLEAN, FETCH = "GIT_CLEAN_FLAGS", "GIT_FETCH_EXTRA_FLAGS"
UPDATE = "GIT_SUBMODULE_UPDATE_FLAGS"


def read(name: str, text: str) -> tuple[str, ...]:
    return read_flags(name, make_variables(**{name: text}), ("--default",))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (FETCH, "--upload-pack=touch /tmp/x;git-upload-pack"),
        (FETCH, "'--upload-pack=touch /tmp/x;git-upload-pack' file:///any/repo"),
        (FETCH, "--upload-pack sh"),
        (FETCH, "--upload-p=sh"),
        (FETCH, "--up=sh"),
        (FETCH, "-u"),
        (FETCH, "-qu"),
        (FETCH, "-c core.sshCommand=sh"),
        (FETCH, "--prune -c core.fsmonitor=sh"),
        (FETCH, "--exec=sh"),
        (FETCH, "--template=/builds/x"),
        (FETCH, "--reference=/any/repo"),
        (FETCH, "--separate-git-dir=/x"),
        (FETCH, "--recurse-submodules"),
        (FETCH, "--recurse-submodules=yes"),
        (FETCH, "--recurse-submodules-default=on-demand"),
        (FETCH, "--submodule-prefix=/x"),
        (FETCH, "--multiple a b"),
        (FETCH, "--all"),
        (FETCH, "--stdin"),
        (FETCH, "--refmap=refs/*:refs/*"),
        (FETCH, "--server-option=x"),
        (FETCH, "--prune=x"),
        (FETCH, "--dept 5"),
        (FETCH, "/any/repo"),
        (FETCH, "ext::sh"),
        (FETCH, "--"),
        (FETCH, "-- ext::sh"),
        (FETCH, "-"),
        (FETCH, "--depth"),
        (FETCH, "--depth --upload-pack=sh"),
        (FETCH, "--jobs 4 ext::sh"),
        (FETCH, "-j 4 ext::sh"),
        (FETCH, "''"),
        (FETCH, "'--prune\0'"),
        (FETCH, "'unbalanced"),
        (CLEAN, "-ffdx /etc"),
        (CLEAN, "-ffdxi"),
        (CLEAN, "--interactive"),
        (CLEAN, "--exclu=x"),
        (UPDATE, "--reference /any/repo"),
        (UPDATE, "--reference=/any/repo"),
        (UPDATE, "--remote lib"),
        (UPDATE, "--dissociate"),
        (UPDATE, "-c core.sshCommand=sh"),
    ],
)
def test_what_could_run_or_read_something_is_refused(name: str, text: str):
    """Flags that are not listed, abbreviations, letters in a row, paths: by variable and word."""
    with pytest.raises(SystemFailure, match=f"^{name}: ") as problem:
        read(name, text)

    assert problem.value.reason == "runner_configuration_error"


@pytest.mark.parametrize(
    ("name", "text", "flags"),
    [
        (FETCH, "--prune --quiet", ("--prune", "--quiet")),
        (FETCH, "--prune --tags -pq", ("--prune", "--tags", "-pq")),
        (FETCH, "--filter=blob:none -j4", ("--filter=blob:none", "-j4")),
        (FETCH, "--filter tree:0 -vj 4 -f", ("--filter", "tree:0", "-vj", "4", "-f")),
        (FETCH, "'--shallow-since=3 days ago'", ("--shallow-since=3 days ago",)),
        (CLEAN, "-ffdx", ("-ffdx",)),
        (CLEAN, "-ffdx -e node_modules/ -e '*.o'", ("-ffdx", "-e", "node_modules/", "-e", "*.o")),
        (CLEAN, "-ffdxe cache --exclude=x", ("-ffdxe", "cache", "--exclude=x")),
        (CLEAN, "-ffdx -eu", ("-ffdx", "-eu")),
        (CLEAN, "none", ()),
        (CLEAN, "", ("--default",)),
        (CLEAN, "  ", ("--default",)),
        (UPDATE, "--remote --jobs 4", ("--remote", "--jobs", "4")),
    ],
)
def test_what_pipelines_use_is_passed_on(name: str, text: str, flags: tuple[str, ...]):
    """Word by word, as a shell would cut them."""
    assert read(name, text) == flags

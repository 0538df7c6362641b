"""Names of objects."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.storage.keys import (
    artifacts_key,
    cache_object_key,
    caches_folder,
    cleaned_key,
    index_key,
    is_of_job,
    report_key,
    runner_cache_key,
)

PROJECT = Project(path="group/project", clone_url="file:///srv/project.git")
NUMBERED = Project(
    path="group/project",
    clone_url="https://example.com/p.git",
    id=7,
    gitlab_conn_id="gitlab_default",
)

ODD = ("", ".", "..", "...", "a/b", "../../etc", "a b", "ü", "a\0b", "-", "%2F", "x" * 300, "a?b#c")


def test_caches_lie_where_the_runner_puts_them():
    """`project/<project>/<cache key>`, with the path where there is no number."""
    assert cache_object_key(NUMBERED, "main-protected") == (
        "project/7@gitlab_default/main-protected.tar.zst"
    )
    assert cache_object_key(PROJECT, "main") == "project/group/project/main.tar.zst"


def test_what_is_not_of_a_job_is_told_apart():
    """A pod says what it has left; it must not name another job's, which later jobs then read."""
    own = artifacts_key(PROJECT, 7, "build", 2)
    earlier = artifacts_key(PROJECT, 7, "build", 1)
    other = artifacts_key(PROJECT, 7, "build2", 1)
    beside = own.replace("/2/", "/../build2/1/")

    found = [is_of_job(key, own) for key in (own, earlier, report_key(own, "junit"))]
    assert found == [True] * 3
    keys = (other, beside, artifacts_key(NUMBERED, 7, "build", 2), "", "secret", f"x/{own}")
    assert [is_of_job(key, own) for key in keys] == [False] * 6


def test_projects_of_two_gitlabs_stay_apart():
    """Each GitLab counts from one: a cache of one's project 7 is not restored by the other's."""
    other = replace(NUMBERED, gitlab_conn_id="other")
    named = replace(NUMBERED, id=0, path="7/project")
    folders = {caches_folder(each) for each in (NUMBERED, other, named)}

    assert len(folders) == 3
    assert not any(one != two and one.startswith(two) for one in folders for two in folders)


def test_each_try_has_artifacts_of_its_own():
    """A retried job does not overwrite what its first try has left."""
    assert artifacts_key(PROJECT, 12, "build", 2) == (
        "artifacts/group/project/12/build/2/artifacts.zip"
    )


def test_the_index_lies_beside_its_archive():
    """Sorted listings show an archive and its index together."""
    key = artifacts_key(PROJECT, 1, "build", 1)

    assert index_key(key) == f"{key}.index.json"


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_made_safe(name: str):
    """No name leaves its folder, is too long for a file, or needs escaping in a URL."""
    *folder, last = cache_object_key(PROJECT, name).split("/")

    assert folder == ["project", "group", "project"]
    assert last.isascii()
    assert last.strip(".") not in {"", "tar.zst"}
    assert len(last) < 200
    assert not set(last) & set(" %?#\\")


def test_odd_names_stay_apart():
    """Two names never share an object, however much alike they are made."""
    keys = {cache_object_key(PROJECT, name) for name in (*ODD, "a_b", "a-b", "a.b")}

    assert len(keys) == len(ODD) + 3


@given(st.lists(st.text(max_size=20), unique=True, min_size=2, max_size=2))
def test_any_two_names_stay_apart(names: list[str]):
    """Whatever text a branch name puts into a cache key."""
    assert cache_object_key(PROJECT, names[0]) != cache_object_key(PROJECT, names[1])
    assert artifacts_key(PROJECT, 1, names[0], 1) != artifacts_key(PROJECT, 1, names[1], 1)


@given(st.text(max_size=150))
def test_no_name_stands_for_what_another_was_made(name: str):
    """A name that is written as an odd one was made safe is not that one's object."""
    made = cache_object_key(PROJECT, name).rsplit("/", 1)[1].removesuffix(".tar.zst")

    assert made == name or cache_object_key(PROJECT, made) != cache_object_key(PROJECT, name)


@pytest.mark.parametrize(
    ("key", "cleaned"),
    [
        ("job/main", "job/main"),
        ("/a//b/", "a/b"),
        ("../a/./b/../c", "a/c"),
        ("a\\..\\b", "b"),
        ("a%2Fb/%2e%2E/c", "a/c"),
        ("a%5Cb", "a%5Cb"),
        (" a / b / / ", " a / b"),
        ("...", "..."),
        ("..", ""),
        (" ", ""),
    ],
)
def test_keys_are_cleaned_as_the_runner_does(key: str, cleaned: str):
    """Slashes stay, nothing leads out, spaces at the end go."""
    assert cleaned_key(key) == cleaned


@pytest.mark.parametrize("key", ["..", "a/.. ", "a/. ", "a\nb", ""])
def test_what_cannot_be_an_object_of_the_runner_is_none(key: str):
    """Programs on the way would resolve dots, and no header holds control characters."""
    assert runner_cache_key("folder", key) == ""

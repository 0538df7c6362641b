"""Folders below a root, opened one from another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitlab_ci_provider.storage.folders import Folders, OutsideError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with links inside and to the outside."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "root" / "a" / "b").mkdir(parents=True)
    (tmp_path / "root" / "a" / "c").mkdir()
    (tmp_path / "root" / "in").symlink_to("a/b")
    (tmp_path / "root" / "here").symlink_to(".")
    (tmp_path / "root" / "out").symlink_to("../outside")
    return tmp_path / "root"


def same(descriptor: int, path: Path) -> bool:
    return os.path.samestat(os.fstat(descriptor), path.stat())


@pytest.mark.parametrize(
    "folders", [["a/b", "a/c", "", "a"], ["in", "a/b", "in", ""], ["here", "here/a", "a"]]
)
def test_a_folder_is_found_from_any_other(root: Path, folders: list[str]):
    """Also by a link that stays inside, before or after the folder itself."""
    with Folders(str(root)) as found:
        assert all(same(found.enter(folder), root / folder) for folder in folders)


@pytest.mark.parametrize("wrong", ["a/b/none", "none/x", "out", "a/../../outside", "out/x"])
def test_after_a_failure_the_others_are_still_found(root: Path, wrong: str):
    """A reader that goes on must not take the folder that it reached half-way for another."""
    with Folders(str(root)) as found:
        for folder in ("a", "", "a/b"):
            with pytest.raises(OSError, match=r"outside|No such"):
                found.enter(wrong)
            assert same(found.enter(folder), root / folder)


def test_a_link_out_of_the_root_is_an_error(root: Path):
    """Whether folders are made or not."""
    for make in (False, True):
        with Folders(str(root), make=make) as found, pytest.raises(OutsideError):
            found.enter("out/new")
    assert list((root.parent / "outside").iterdir()) == []


def test_a_folder_that_becomes_a_link_stays_what_it_was(root: Path):
    """What is open cannot be exchanged."""
    with Folders(str(root)) as found:
        found.enter("a")
        (root / "a").rename(root / "old")
        (root / "a").symlink_to("../outside")

        assert same(found.enter("a/b"), root / "old" / "b")


def test_missing_folders_are_made(root: Path):
    """Also in place of a file, and of a link to nowhere."""
    (root / "file").write_text("x")
    (root / "nowhere").symlink_to("gone/deeper")
    with Folders(str(root), make=True) as found:
        for folder in ("x/y/z", "file/y", "nowhere/y"):
            assert same(found.enter(folder), root / folder)


def test_nothing_stays_open(root: Path):
    """Thousands of folders are entered in one archive."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    with Folders(str(root), make=True) as found:
        for number in range(50):
            found.enter(f"n{number}/a/b")
        during = len(list(Path("/proc/self/fd").iterdir()))

    assert during - before < 10
    assert len(list(Path("/proc/self/fd").iterdir())) == before

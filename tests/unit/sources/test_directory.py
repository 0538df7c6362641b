"""A working tree as a source of files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.directory import DirectoryFetcher


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a file, next to a file that is outside of it."""
    (tmp_path / "outside.yml").write_text("secret")
    folder = tmp_path / "repository"
    (folder / "ci").mkdir(parents=True)
    (folder / "ci" / "a.yml").write_text("a")
    return folder


@pytest.mark.parametrize("path", ["ci/a.yml", "/ci/a.yml", "//ci/./a.yml"])
def test_paths_count_from_the_root(root: Path, path: str):
    """A leading slash means the repository's root."""
    assert DirectoryFetcher(root).read(path) == b"a"


@pytest.mark.parametrize(
    "path", ["absent.yml", "ci", "ci/a.yml/b", "../outside.yml", "ci/../../outside.yml", "a\0b", ""]
)
def test_what_is_not_there(root: Path, path: str):
    """Absent files, folders and paths that climb out are simply not there."""
    assert DirectoryFetcher(root).read(path) is None


def test_links_within_the_folder_are_followed(root: Path):
    """A link to another file of the repository is that file."""
    (root / "link.yml").symlink_to("ci/a.yml")

    assert DirectoryFetcher(root).read("link.yml") == b"a"


def test_links_that_leave_the_folder_are_refused(root: Path):
    """No file outside is ever read through a link, nor through a linked folder."""
    (root / "link.yml").symlink_to("../outside.yml")
    (root / "folder").symlink_to("..")

    for path in ("link.yml", "folder/outside.yml"):
        with pytest.raises(SourceError, match="leads outside the repository"):
            DirectoryFetcher(root).read(path)


def test_link_to_itself_is_an_error(root: Path):
    """A circle of links ends with words, not with a traceback."""
    (root / "loop.yml").symlink_to("loop.yml")

    with pytest.raises(SourceError, match=r"loop\.yml"):
        DirectoryFetcher(root).read("loop.yml")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file_is_an_error(root: Path):
    """A file without permission is named."""
    (root / "ci" / "a.yml").chmod(0)

    with pytest.raises(SourceError, match=r"ci/a\.yml"):
        DirectoryFetcher(root).read("ci/a.yml")


def test_why_a_file_cannot_be_read_is_said_in_words(root: Path):
    """The number of the error and the place in our machine are for nobody."""
    with pytest.raises(SourceError, match=r"cannot be read: File name too long$"):
        DirectoryFetcher(root).read("x" * 300)


def test_paths_lists_files_without_tools_folders(root: Path):
    """Globs see the repository's files, not git's own."""
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text("x")
    (root / "b.txt").write_text("b")

    assert DirectoryFetcher(root).paths() == ("b.txt", "ci/a.yml")

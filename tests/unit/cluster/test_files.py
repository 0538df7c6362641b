"""Private files, and trees to delete."""

from __future__ import annotations

import resource
import stat
from pathlib import Path

import pytest

from gitlab_ci_cluster.files import remove_tree, write_private


def test_others_may_not_read(tmp_path: Path):
    """From the first moment on it is its owner's alone."""
    write_private(tmp_path / "secrets.json", b"{}")

    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_a_full_disk_leaves_what_was_there(tmp_path: Path):
    """Half a file of secrets would keep the stack from starting ever again."""
    path = tmp_path / "secrets.json"
    write_private(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            write_private(path, bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_trees_without_permissions_are_removed(tmp_path: Path):
    """Links are not followed, closed directories are opened."""
    outside = tmp_path / "outside"
    outside.mkdir()
    tree = tmp_path / "tree"
    (tree / "closed" / "deep").mkdir(parents=True)
    (tree / "link").symlink_to(outside)
    (tree / "closed").chmod(0)

    assert remove_tree(tree)
    assert not tree.exists()
    assert outside.is_dir()
    assert remove_tree(Path(tmp_path / "nothing"))

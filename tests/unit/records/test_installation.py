"""The name of an installation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.records.folder import FolderStore
from gitlab_ci_provider.records.installation import Installation


def test_all_processes_have_the_same_name(tmp_path: Path):
    """The first caller chooses it, and it stays."""
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: Installation(FolderStore(tmp_path)).name(), range(8)))

    assert len(names) == 1
    assert Installation(FolderStore(tmp_path)).name() in names


def test_two_installations_have_different_names(tmp_path: Path):
    """Their jobs may share a namespace."""
    folders = (FolderStore(tmp_path / name) for name in "ab")

    assert len({Installation(folder).name() for folder in folders}) == 2


@pytest.mark.parametrize("broken", [b"a=b", b"two words", b"x" * 64, b"-"])
def test_what_is_no_label_is_refused(tmp_path: Path, broken: bytes):
    """It would select the pods of others, or none."""
    FolderStore(tmp_path).write("installation", broken)

    with pytest.raises(StateError, match="is not the name of an installation"):
        Installation(FolderStore(tmp_path)).name()

"""How much of an archive is read at once to open it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.storage.entry import ArchiveError
from gitlab_ci_provider.storage.folder_shelf import FolderShelf
from gitlab_ci_provider.storage.zip_files import ZipFiles
from stored_artifacts import zip_of


def test_an_archive_with_a_directory_beyond_the_limit_is_refused(tmp_path: Path):
    """Its author decides how large that is, and the API server would read it whole."""
    names = {f"{number:0100}": b"" for number in range(20)}
    (tmp_path / "many.zip").write_bytes(zip_of(names))
    shelf = FolderShelf(tmp_path)

    with ZipFiles(shelf, "many.zip", directory=70_000) as files:
        assert len(files.select([])[0]) == 20
    with pytest.raises(ArchiveError, match="more than 1000 bytes"):
        ZipFiles(shelf, "many.zip", directory=1000)

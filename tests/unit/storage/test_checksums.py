"""Checksums of archives of artifacts."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

import pytest

from gitlab_ci_provider.storage.archive import pack_hashed
from gitlab_ci_provider.storage.checksums import RunningDigest, sha256_of, verify
from gitlab_ci_provider.storage.entry import ArchiveError
from gitlab_ci_provider.storage.folder_shelf import FolderShelf
from gitlab_ci_provider.storage.packing import packing_of
from gitlab_ci_provider.storage.zip_files import ZipFiles


def member_checksums(archive: Path) -> dict[str, str]:
    with zipfile.ZipFile(archive) as opened:
        return {info.filename: f"{info.CRC:08x}" for info in opened.infolist()}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive that is stored without compression, so that its bytes are those of its files."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("dist/app", "first contents")
        made.writestr("dist/other", "other")
    return path


def test_another_archive_is_refused(archive: Path):
    """By its SHA-256; one whose checksum nobody knows is taken as it is."""
    good = sha256_of(archive)
    verify(archive, good, "k")
    archive.write_bytes(archive.read_bytes() + b" ")
    verify(archive, "", "k")

    with pytest.raises(ArchiveError, match="k: its checksum does not match"):
        verify(archive, good, "k")


def test_a_checksum_is_computed_while_an_archive_is_written():
    """In pieces, in order, by a thread that ends with it."""
    data = os.urandom(100_000)
    with RunningDigest() as digest:
        for at in range(0, len(data), 1000):
            digest.update(data[at : at + 1000])

        assert digest.hexdigest() == hashlib.sha256(data).hexdigest()


def test_an_archive_is_hashed_while_it_is_packed(tmp_path: Path):
    """So that it is not read again."""
    (tmp_path / "file").write_bytes(os.urandom(3_000_000))
    packing = packing_of(tmp_path / "a.zip")

    with (tmp_path / "a.zip").open("wb") as archive:
        _, found = pack_hashed(archive.write, tmp_path, ["file"], packing, print)

    assert found == sha256_of(tmp_path / "a.zip")


def test_a_damaged_file_is_noticed_when_only_that_is_read(archive: Path):
    """Its contents are compared with the checksum that the index has."""
    known = member_checksums(archive)
    archive.write_bytes(archive.read_bytes().replace(b"first contents", b"First contents"))

    with ZipFiles(FolderShelf(archive.parent), "a.zip", known) as files:
        with pytest.raises(ArchiveError, match="CRC"):
            files.copy("dist/app", io.BytesIO())
        with pytest.raises(ArchiveError, match="CRC"):
            files.unpack(["dist/app"], archive.parent / "to", print)
        files.copy("dist/other", io.BytesIO())


@pytest.mark.parametrize("name", ["dist/app", "dist/new"])
def test_a_replaced_file_is_noticed(archive: Path, name: str):
    """A whole archive in place of another one has files that its index does not know."""
    known = member_checksums(archive)
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(name, "second contents")

    with ZipFiles(FolderShelf(archive.parent), "a.zip", known) as files:
        with pytest.raises(ArchiveError, match=f"{name} does not match the index"):
            files.copy(name, io.BytesIO())
        with pytest.raises(ArchiveError, match="does not match the index"):
            files.unpack([name], archive.parent / "to", print)

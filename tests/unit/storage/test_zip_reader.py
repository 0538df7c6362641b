"""Zip archives as we read them: those of other programs, and broken ones."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gitlab_ci_provider.storage.archive import pack_into, unpack
from gitlab_ci_provider.storage.entry import ArchiveError
from gitlab_ci_provider.storage.members import find_members
from gitlab_ci_provider.storage.packing import Packing
from gitlab_ci_provider.storage.zip_directory import ZipDirectory

MIB = 1024 * 1024
LARGE = os.urandom(2 * MIB + 5) + bytes(MIB)
TEXT = b"a line of a log\n" * 200_000


def archived(path: Path, *, force_zip64: bool = False) -> Path:
    """Make an archive as Python does."""
    with zipfile.ZipFile(path, "w") as made:
        made.comment = b"a comment"
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            for name, data in (("ü", b"x"), ("caf\xe9/a", b""), ("l", LARGE), ("t", TEXT)):
                info = zipfile.ZipInfo(f"{method}/{name}", (2020, 2, 2, 2, 2, 2))
                info.compress_type = method
                with made.open(info, "w", force_zip64=force_zip64) as member:
                    member.write(data)
    return path


@pytest.mark.parametrize("force_zip64", [False, True])
@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\n"])
def test_archives_of_other_programs(tmp_path: Path, force_zip64: bool, before: bytes):
    """With a comment, fields for large files, or a program before them that unpacks them."""
    archive = archived(tmp_path / "a.zip", force_zip64=force_zip64)
    archive.write_bytes(before + archive.read_bytes())

    assert unpack(archive, tmp_path / "to") == 8
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            assert (tmp_path / "to" / info.filename).read_bytes() == opened.read(info)
    assert (tmp_path / "to" / "0" / "t").stat().st_mtime == 1580608922


def test_old_names_are_read_as_pkzip_wrote_them(tmp_path: Path):
    """Without the mark of UTF-8; what was made on Unix has the bytes of a file's name."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for system, name in ((0, "Caf_"), (3, "Bar_")):
            info = zipfile.ZipInfo(name)
            info.create_system = system
            made.writestr(info, b"x")
    data = archive.read_bytes().replace(b"Caf_", b"Caf\x82")
    archive.write_bytes(data.replace(b"Bar_", b"Bar\x82"))

    unpack(archive, tmp_path / "to")

    names = {os.fsencode(path.name) for path in (tmp_path / "to").iterdir()}
    assert names == {"Café".encode(), b"Bar\x82"}


def test_zipzstd_comes_back(tmp_path: Path):
    """A format of GitLab Runner: small and large files, and what does not shrink."""
    root = tmp_path / "project"
    root.mkdir()
    files = {"small": b"text " * 99, "large": TEXT, "random": LARGE, "empty": b""}
    for name, data in files.items():
        (root / name).write_bytes(data)
    archive = tmp_path / "a.zip"
    with archive.open("wb") as file:
        packing = Packing(format="zipzstd", scratch=tmp_path)
        pack_into(file.write, root, find_members(root, ["."]).paths, packing, print)

    unpack(archive, tmp_path / "to")

    assert {path.name: path.read_bytes() for path in (tmp_path / "to").iterdir()} == files
    with zipfile.ZipFile(archive) as opened:
        methods = {info.filename: info.compress_type for info in opened.infolist()}
    assert methods == {"small": 93, "large": 93, "random": 0, "empty": 0}


def test_the_directory_of_a_large_archive(tmp_path: Path):
    """More members than fit into its old fields; it is read in pieces."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for number in range(66_000):
            made.writestr(f"some/folder/{number}", b"")

    with archive.open("rb") as file:
        directory = ZipDirectory(file.fileno())
        names = [member.filename for member in directory]
    assert (directory.count, len(names), names[-1]) == (66_000, 66_000, "some/folder/65999")


def flipped(data: bytes, place: bytes) -> bytes:
    """Change one bit where something is."""
    at = data.index(place)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


BREAKS: dict[str, Callable[[bytes], bytes]] = {
    "small contents": lambda data: flipped(data, b"some text"),
    "large contents": lambda data: flipped(data, LARGE[5000:5100]),
    "name in the directory": lambda data: data.replace(b"PK\1\2", b"PK\1\3"),
    "encrypted": lambda data: _with(data, 8, 1),
    "unknown method": lambda data: _with(data, 10, 12),
    "size that is too small": lambda data: _with(data, 24, 4),
    "size that is too large": lambda data: _with(data, 24, 100),
    "place after the end": lambda data: _with(data, 42, 0x7FFFFFFF),
    "place of another member": lambda data: _with(data, 42, 1),
    "cut short": lambda data: data[:-30],
    "no archive": lambda _: b"PK\3\4 and nothing else",
    "one member too few": lambda data: data[:-12] + struct.pack("<H", 1) + data[-10:],
    "empty": lambda _: b"",
}


def _with(data: bytes, at: int, value: int) -> bytes:
    """Change a field of the first record of the directory."""
    width = "<I" if at in {24, 42} else "<H"
    at += data.index(b"PK\1\2")
    return data[:at] + struct.pack(width, value) + data[at + struct.calcsize(width) :]


@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_archive_leaves_nothing(tmp_path: Path, what: str):
    """What was unpacked before the fault is gone again."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("small", b"some text")
        made.writestr("large", LARGE)
    archive.write_bytes(BREAKS[what](archive.read_bytes()))

    with pytest.raises(ArchiveError, match="zip"):
        unpack(archive, tmp_path / "to")

    assert list((tmp_path / "to").rglob("*")) == []


def test_no_more_comes_out_than_the_directory_says(tmp_path: Path):
    """A stream of gigabytes may call itself small; no more than that is ever in memory."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("bomb", bytes(300 * MIB))
    archive.write_bytes(_with(archive.read_bytes(), 24, 10))

    with pytest.raises(ArchiveError, match="bad CRC-32 or size of 'bomb'"):
        unpack(archive, tmp_path / "to")

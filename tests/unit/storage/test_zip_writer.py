"""Zip archives as other programs see them."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import zipfile
import zlib
from pathlib import Path
from typing import get_args

import pytest

from gitlab_ci_provider.model.plan import CompressionLevel
from gitlab_ci_provider.storage import zip_workers
from gitlab_ci_provider.storage.archive import pack, pack_into, unpack
from gitlab_ci_provider.storage.entry import Entry
from gitlab_ci_provider.storage.index import IndexedFile, listed_files
from gitlab_ci_provider.storage.members import find_members
from gitlab_ci_provider.storage.packing import Packing
from gitlab_ci_provider.storage.zip_headers import (
    Packed,
    directory_end,
    directory_record,
    local_header,
    placed,
    records,
)
from gitlab_ci_provider.storage.zip_methods import Method

MIB = 1024 * 1024
GIB = 1024 * MIB
FILE = stat.S_IFREG | 0o640
LINES = b"".join(b"line %d of a log, much like the others\n" % number for number in range(200_000))


def packed(root: Path, archive: Path) -> Path:
    def warn(text: str) -> None:
        raise AssertionError(text)

    pack(root, find_members(root, ["."]).paths, archive, warn=warn)
    return archive


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Small and large files, some of which do not shrink; folders and a link."""
    root = tmp_path / "project"
    (root / "many").mkdir(parents=True)
    for number in range(700):
        (root / "many" / f"{number}.txt").write_bytes(LINES[number : number + number])
    (root / "log").write_bytes(LINES)
    (root / "exact").write_bytes(LINES[: 2 * MIB])
    (root / "random").write_bytes(os.urandom(3 * MIB + 7))
    (root / "mixed").write_bytes(bytes(100_000) + os.urandom(2 * MIB))
    (root / "empty").touch()
    (root / "ü").symlink_to("log")
    return root


def test_every_size_comes_back(project: Path, tmp_path: Path):
    """Batches of small files, pieces of large ones, and what ends with a piece."""
    archive = packed(project, tmp_path / "artifacts.zip")
    unpack(archive, tmp_path / "target")

    for path in project.rglob("*"):
        if path.is_file():
            assert (tmp_path / "target" / path.relative_to(project)).read_bytes() == (
                path.read_bytes()
            ), path


def test_python_and_unzip_find_nothing_wrong(project: Path, tmp_path: Path):
    """People open artifacts with what they have."""
    archive = packed(project, tmp_path / "artifacts.zip")

    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
    if shutil.which("unzip") is None:
        pytest.skip("there is no unzip")
    done = subprocess.run(["unzip", "-tq", archive], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_unzip_restores_modes_times_and_links(project: Path, tmp_path: Path):
    """Also in another time zone: times are stored in UTC, before each member, too."""
    if shutil.which("unzip") is None:
        pytest.skip("there is no unzip")
    (project / "log").chmod(0o750)
    os.utime(project / "log", (1_700_000_001, 1_700_000_001))
    archive = packed(project, tmp_path / "artifacts.zip")

    zone = {**os.environ, "TZ": "America/New_York"}
    subprocess.run(["unzip", "-q", archive, "-d", tmp_path / "there"], check=True, env=zone)

    log = (tmp_path / "there" / "log").stat()
    assert (stat.S_IMODE(log.st_mode), log.st_mtime) == (0o750, 1_700_000_001)
    assert (tmp_path / "there" / "ü").readlink() == Path("log")


def test_large_files_are_compressed_as_one_stream(project: Path, tmp_path: Path):
    """Pieces know what is before them: they cost hardly more than the file in one go."""
    archive = packed(project, tmp_path / "artifacts.zip")

    with zipfile.ZipFile(archive) as opened:
        log = opened.getinfo("log")
    assert log.compress_size < len(zlib.compress(LINES, 1)) * 1.01


def test_only_what_shrinks_is_compressed(project: Path, tmp_path: Path):
    """Decided by the beginning of a large file, so that images cost no time."""
    with zipfile.ZipFile(packed(project, tmp_path / "artifacts.zip")) as opened:
        methods = {name: opened.getinfo(name).compress_type for name in ("log", "random", "empty")}

    assert methods == {
        "log": zipfile.ZIP_DEFLATED,
        "random": zipfile.ZIP_STORED,
        "empty": zipfile.ZIP_STORED,
    }


@pytest.mark.parametrize("cores", [1, 8])
def test_what_is_in_it_depends_on_the_files_only(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int
):
    """Not on the number of cores, nor on whether there are so many that processes help.

    Compressed bytes may differ: ISA-L looks at what lies behind its input.
    """
    first = members(packed(project, tmp_path / "first.zip"))
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(zip_workers, "_ALONE", 0)

    assert members(packed(project, tmp_path / "second.zip")) == first


def members(archive: Path) -> list[tuple[object, ...]]:
    """Describe each member: name, mode, time, size and checksum."""
    with zipfile.ZipFile(archive) as opened:
        return [
            (info.filename, info.external_attr, info.date_time, info.file_size, info.CRC)
            for info in opened.infolist()
        ]


def test_an_archive_is_written_from_begin_to_end(project: Path, tmp_path: Path):
    """So that it can be sent while it is written: nothing before is changed afterwards."""
    pieces: list[bytes] = []
    paths = find_members(project, ["."]).paths
    pack_into(pieces.append, project, paths, Packing(format="zip", scratch=tmp_path), print)

    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as opened:
        assert opened.testzip() is None


def test_members_are_listed_for_an_index(project: Path, tmp_path: Path):
    """Small and large files, folders and links: as the archive has them."""
    paths = find_members(project, ["."]).paths
    packing = Packing(format="zip", scratch=tmp_path, listing=tmp_path / "list")
    with (tmp_path / "artifacts.zip").open("wb") as file:
        counts = pack_into(file.write, project, paths, packing, print)

    with zipfile.ZipFile(tmp_path / "artifacts.zip") as opened:
        infos = opened.infolist()
    assert list(listed_files(tmp_path / "list")) == [
        IndexedFile(
            path=info.filename,
            size=info.file_size if not stat.S_ISLNK(info.external_attr >> 16) else 0,
            mode=f"{info.external_attr >> 16:o}",
            crc=f"{info.CRC:08x}",
        )
        for info in infos
    ]
    assert counts == (len(infos), sum(not info.is_dir() for info in infos))


def test_names_that_are_not_utf_8_are_as_go_and_info_zip_write_them(tmp_path: Path):
    """Without the mark of UTF-8: `unzip` gives back their bytes, and so does GitLab Runner."""
    root = tmp_path / "project"
    root.mkdir()
    (root / os.fsdecode(b"caf\xe9")).write_text("x")
    (root / "café").write_text("y")

    archive = packed(root, tmp_path / "artifacts.zip")

    with zipfile.ZipFile(archive) as opened:
        marks = {info.orig_filename: bool(info.flag_bits & 0x800) for info in opened.infolist()}
    assert marks == {"café": True, b"caf\xe9".decode("cp437"): False}
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-q", archive, "-d", tmp_path / "there"], check=True)
        names = {os.fsencode(path.name) for path in (tmp_path / "there").iterdir()}
        assert names == {b"caf\xe9", "café".encode()}


@pytest.mark.parametrize("level", get_args(CompressionLevel))
def test_every_level_comes_back(project: Path, tmp_path: Path, level: CompressionLevel):
    """`fastest` does not compress, so that single files can be read by ranges, as with GitLab."""
    archive = tmp_path / "artifacts.zip"
    with archive.open("wb") as file:
        packing = Packing(format="zip", scratch=tmp_path, level=level)
        pack_into(file.write, project, find_members(project, ["."]).paths, packing, print)

    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert opened.read("log") == LINES
        methods = {info.compress_type for info in opened.infolist()}
    assert (zipfile.ZIP_DEFLATED in methods) == (level != "fastest")


def test_more_than_65535_members(tmp_path: Path):
    """Their number needs the fields of Zip64."""
    archive = tmp_path / "artifacts.zip"
    entries = [Entry(path=f"f{number}", mode=FILE) for number in range(70_000)]
    with archive.open("wb") as file:
        headers = [local_header(entry, Packed()) for entry in entries]
        offsets = [0]
        for header in headers:
            offsets.append(offsets[-1] + len(header))
        directory = b"".join(
            directory_record(entry, Packed(offset=offset))
            for entry, offset in zip(entries, offsets, strict=False)
        )
        file.write(b"".join(headers) + directory)
        file.write(directory_end(len(entries), len(directory), offsets[-1]))

    with zipfile.ZipFile(archive) as opened:
        assert len(opened.namelist()) == 70_000
        assert opened.read("f69999") == b""


def test_more_than_four_gibibytes(tmp_path: Path):
    """Sizes and places need the fields of Zip64; the archive is a file with a hole."""
    archive, size = tmp_path / "artifacts.zip", 5 * GIB
    large = Entry(path="large", mode=FILE, size=size)
    small = Entry(path="small", mode=FILE, size=5)
    stored = Packed(size=size, packed=size)
    after = Packed(crc=zlib.crc32(b"hello"), size=5, packed=5, offset=0)
    with archive.open("wb") as file:
        file.write(local_header(large, stored))
        file.seek(size, os.SEEK_CUR)
        at = file.tell()
        file.write(local_header(small, after) + b"hello")
        begin = file.tell()
        directory = directory_record(large, stored) + directory_record(
            small, Packed(crc=after.crc, size=5, packed=5, offset=at)
        )
        file.write(directory + directory_end(2, len(directory), begin))

    with zipfile.ZipFile(archive) as opened:
        assert opened.getinfo("large").file_size == size
        assert opened.open("large").read(3) == bytes(3)
        assert opened.read("small") == b"hello"
    if shutil.which("unzip"):
        done = subprocess.run(["unzip", "-p", archive, "small"], capture_output=True, check=True)
        assert done.stdout == b"hello"


def test_members_of_a_batch_after_four_gibibytes():
    """Their records are made before their place is known; they get the fields of Zip64 then."""
    entries = [Entry(path=f"f{number}", mode=FILE, size=5) for number in range(2)]
    near, far = 0xFFFFFFF0, 5 * GIB
    how = [Packed(crc=1, size=5, packed=5, offset=offset) for offset in (0, 40)]
    batch = b"".join(records(*member)[1] for member in zip(entries, how, strict=True))

    for begin in (7, near, far):
        assert placed(batch, begin) == b"".join(
            directory_record(entry, packed._replace(offset=begin + packed.offset))
            for entry, packed in zip(entries, how, strict=True)
        )


def test_a_file_that_changes_while_it_is_read_is_whole_or_shorter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What the archive says of it is what it holds: no reader finds it broken."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "log").write_bytes(LINES)
    shrinks = Method.shrinks

    def shorten(method: Method, data: bytes) -> bool:
        os.truncate(root / "log", 2 * MIB)
        return shrinks(method, data)

    monkeypatch.setattr(Method, "shrinks", shorten)
    with zipfile.ZipFile(packed(root, tmp_path / "artifacts.zip")) as opened:
        assert opened.read("log") == LINES[: 2 * MIB]


def test_an_archive_that_fails_has_no_directory(tmp_path: Path):
    """So nobody takes it for one; the threads have ended."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "log").write_bytes(LINES)

    with pytest.raises(FileNotFoundError):
        pack(root, ["log", "gone"], tmp_path / "artifacts.zip", warn=print)

    assert not zipfile.is_zipfile(tmp_path / "artifacts.zip")

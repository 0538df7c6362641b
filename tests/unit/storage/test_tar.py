"""Tar as other programs write and read it."""

from __future__ import annotations

import io
import os
import random
import stat
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gitlab_ci_provider.storage.archive import pack, unpack
from gitlab_ci_provider.storage.entry import ArchiveError, Entry
from gitlab_ci_provider.storage.tar_headers import END, header, padding
from gitlab_ci_provider.storage.tar_stream import TarStream

NAMES = st.one_of(
    st.text("abcü/.", min_size=1, max_size=12),
    st.builds(
        lambda name, count: name * count, st.sampled_from(["dir/", "n", "ü"]), st.integers(1, 300)
    ),
).filter(lambda name: bool(name.strip("/")))
ENTRIES = st.builds(
    Entry,
    path=NAMES.map(lambda name: name.strip("/")),
    mode=st.builds(
        lambda kind, bits: kind | bits,
        st.sampled_from([stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK]),
        st.integers(0, 0o7777),
    ),
    mtime=st.integers(0, 2**40),
    uid=st.integers(0, 2**31),
    gid=st.integers(0, 2**31),
)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """Cut an archive."""
    return (data[at : at + size] for at in range(0, len(data), size))


def with_its_kind(entry: Entry, target: str) -> Entry:
    """Give a link a target."""
    return Entry(
        **{name: getattr(entry, name) for name in ("path", "mode", "mtime", "uid", "gid")},
        target=target if entry.is_link else "",
    )


def archive_of(plain: bytes, path: Path) -> Path:
    """Compress an archive."""
    path.write_bytes(zstandard.compress(plain))
    return path


@settings(max_examples=200, deadline=None)
@given(entries=st.lists(ENTRIES, max_size=4), target=NAMES, size=st.integers(1, 2000))
def test_what_is_written_is_read(entries: list[Entry], target: str, size: int):
    """Names of any length, numbers of any size, whatever pieces the archive comes in."""
    wanted = [with_its_kind(entry, target) for entry in entries]
    data = b"".join(map(header, wanted)) + END

    assert list(TarStream(pieces(data, size)).entries()) == wanted


@settings(max_examples=200, deadline=None)
@given(entry=ENTRIES, target=NAMES)
def test_tarfile_reads_what_is_written(entry: Entry, target: str):
    """A header of ours says to others what it says to us."""
    wanted = with_its_kind(entry, target)

    with tarfile.open(fileobj=io.BytesIO(header(wanted) + END)) as opened:
        info = opened.getmembers()[0]

    assert (info.name, info.linkname, info.mode) == (
        wanted.path,
        wanted.target,
        entry.mode & 0o7777,
    )
    assert (info.mtime, info.uid, info.gid) == (wanted.mtime, wanted.uid, wanted.gid)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_other_programs_are_read(tmp_path: Path, form: int):
    """In all formats: long names, long targets, large numbers, names that are not UTF-8."""
    long = "deep/" * 30 + "file"
    odd = os.fsdecode(b"odd-\xff")
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=form, errors="surrogateescape") as tar:
        for name in (long, odd):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = 4, 1_700_000_000
            tar.addfile(info, io.BytesIO(b"text"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "x" * 90
        tar.addfile(link)

    unpack(archive_of(plain.getvalue(), tmp_path / "a.tar.zst"), tmp_path / "root")

    assert (tmp_path / "root" / long).read_text() == "text"
    assert (tmp_path / "root" / odd).stat().st_mtime == 1_700_000_000
    assert str((tmp_path / "root" / "link").readlink()) == "x" * 90


def test_an_archive_of_the_version_before_is_read(tmp_path: Path):
    """It was written by `tarfile`, in one frame; an upgrade does not empty the caches."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        folder = tarfile.TarInfo("ü" * 60)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o700
        tar.addfile(folder)
        file = tarfile.TarInfo(f"{'ü' * 60}/file")
        file.size = 3
        tar.addfile(file, io.BytesIO(b"abc"))

    assert unpack(archive_of(plain.getvalue(), tmp_path / "a.tar.zst"), tmp_path / "root") == 2
    assert (tmp_path / "root" / ("ü" * 60) / "file").read_bytes() == b"abc"


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_forged_archive_never_writes_outside(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
):
    """Whatever bytes are changed, it is unpacked below the folder or refused with our error."""
    folder = tmp_path_factory.mktemp("forged")
    seen = random.Random(data.draw(st.integers(0, 1000)))
    names = ["a", "a/b", "../x", "a/../../x", "/x", "link", "link/x", "a/link/../x", "."]
    plain = bytearray()
    for _ in range(seen.randint(1, 8)):
        kind = seen.choice([stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK])
        contents = os.urandom(seen.choice([0, 5, 600])) if kind == stat.S_IFREG else b""
        entry = Entry(
            path=seen.choice(names),
            mode=kind | 0o755,
            size=len(contents),
            target=seen.choice(["..", "/", "a", "../outside"]) if kind == stat.S_IFLNK else "",
        )
        plain += header(entry) + contents + padding(len(contents))
    plain += END
    for _ in range(seen.choice([0, 0, 1, 3])):
        plain[seen.randrange(len(plain))] = seen.randrange(256)
    archive = archive_of(bytes(plain), folder / "a.tar.zst")
    root = folder / "root"

    with suppress(ArchiveError, OSError):
        unpack(archive, root)

    assert {path.name for path in folder.iterdir()} <= {"a.tar.zst", "root"}


def test_a_sparse_file_takes_no_more_room_than_before(tmp_path: Path):
    """Runs of zeros are holes again, at the end of a file too, and its contents are the same."""
    project, target = tmp_path / "project", tmp_path / "target"
    project.mkdir()
    with (project / "disk").open("wb") as file:
        file.seek(20_000_000)
        file.write(b"data")
        file.truncate(40_000_000)

    pack(project, ["disk"], tmp_path / "a.tar.zst", warn=print)
    unpack(tmp_path / "a.tar.zst", target)

    assert (target / "disk").read_bytes() == (project / "disk").read_bytes()
    assert (target / "disk").stat().st_blocks * 512 < 4_000_000


def test_names_that_differ_in_case_only_are_two_files(tmp_path: Path):
    """Where the file system knows the difference; elsewhere the later one replaces the first."""
    project, target = tmp_path / "project", tmp_path / "target"
    project.mkdir()
    (project / "README").write_text("upper")
    (project / "readme").write_text("lower")
    wanted = {path.name: path.read_text() for path in project.iterdir()}

    pack(project, sorted(wanted), tmp_path / "a.tar.zst", warn=print)
    unpack(tmp_path / "a.tar.zst", target)

    assert {path.name: path.read_text() for path in target.iterdir()} == wanted


def test_a_file_that_shrinks_while_it_is_read_keeps_the_archive_whole(tmp_path: Path):
    """A process that the script left behind may truncate a log; a warning says so."""
    project, target = tmp_path / "project", tmp_path / "target"
    project.mkdir()
    (project / "a").write_bytes(b"x" * 3_000_000)
    (project / "b").write_text("b")
    warnings: list[str] = []

    def paths() -> Iterator[str]:
        yield "a"
        yield "b"

    real = os.read

    def read(descriptor: int, size: int) -> bytes:
        found = real(descriptor, size)
        os.truncate(project / "a", 1_000_000)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "read", read)
        pack(project, paths(), tmp_path / "a.tar.zst", warn=warnings.append)
    unpack(tmp_path / "a.tar.zst", target)

    assert (target / "a").stat().st_size == 3_000_000
    assert (target / "b").read_text() == "b"
    assert "became smaller" in warnings[0]

"""Archives that hold far more than they weigh."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from gitlab_ci_provider.model.plan import ArchiveLimits
from gitlab_ci_provider.storage.archive import unpack
from gitlab_ci_provider.storage.entry import ArchiveError
from gitlab_ci_provider.storage.limits import ALWAYS

MEGABYTE = 1_000_000


def zip_of(folder: Path, sizes: list[int]) -> Path:
    archive = folder / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for number, size in enumerate(sizes):
            with target.open(f"f{number}", "w", force_zip64=True) as member:
                for _ in range(size // MEGABYTE):
                    member.write(bytes(MEGABYTE))
    return archive


def tar_of(folder: Path, sizes: list[int]) -> Path:
    archive = folder / "bomb.tar.zst"
    with (
        archive.open("wb") as file,
        zstandard.ZstdCompressor().stream_writer(file) as stream,
        tarfile.open(fileobj=stream, mode="w|") as target,
    ):
        for number, size in enumerate(sizes):
            info = tarfile.TarInfo(f"f{number}")
            info.size = size
            target.addfile(info, _zeros())
    return archive


def _zeros() -> io.RawIOBase:
    class Zeros(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return bytes(size)

    return Zeros()


def bytes_below(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_two_megabytes_do_not_become_gigabytes(tmp_path: Path, make: object):
    """Beyond 100 MB, an archive may hold 200 times its own size; the setting is named."""
    archive = make(tmp_path, [150 * MEGABYTE] * 2)  # type: ignore[operator]
    assert archive.stat().st_size < MEGABYTE

    with pytest.raises(ArchiveError, match=r"200 times as many \(\[gitlab_ci\] archive_max_ratio"):
        unpack(archive, tmp_path / "root")
    assert bytes_below(tmp_path / "root") <= ALWAYS


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_the_size_of_what_comes_out_is_limited(tmp_path: Path, make: object):
    """However well it is packed."""
    archive = make(tmp_path, [3 * MEGABYTE, 3 * MEGABYTE])  # type: ignore[operator]

    with pytest.raises(ArchiveError, match=r"more than 5000000 bytes .*archive_max_size"):
        unpack(archive, tmp_path / "root", ArchiveLimits(size=5 * MEGABYTE))
    assert bytes_below(tmp_path / "root") <= 5 * MEGABYTE


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_the_number_of_entries_is_limited(tmp_path: Path, make: object):
    """A file of nothing takes an inode as well."""
    archive = make(tmp_path, [0] * 101)  # type: ignore[operator]

    with pytest.raises(ArchiveError, match=r"more than 100 entries .*archive_max_entries"):
        unpack(archive, tmp_path / "root", ArchiveLimits(entries=100))


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_what_is_within_the_limits_comes_out(tmp_path: Path, make: object):
    """Small archives of zeros are common."""
    archive = make(tmp_path, [50 * MEGABYTE, 0])  # type: ignore[operator]

    assert unpack(archive, tmp_path / "root") == 2
    assert bytes_below(tmp_path / "root") == 50 * MEGABYTE


def test_entries_that_share_their_contents_count_each(tmp_path: Path):
    """A zip's directory may name one compressed stream as often as it likes."""
    archive = zip_of(tmp_path, [90 * MEGABYTE])
    with zipfile.ZipFile(archive, "a") as target:
        first = target.infolist()[0]
        for number in range(20):
            twin = zipfile.ZipInfo(f"g{number}")
            for name in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(twin, name, getattr(first, name))
            target.filelist.append(twin)
            target._didModify = True  # type: ignore[attr-defined]

    with pytest.raises(ArchiveError, match="archive_max_ratio"):
        unpack(archive, tmp_path / "root")
    assert not (tmp_path / "root").exists() or bytes_below(tmp_path / "root") == 0


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
def test_names_are_not_read_into_memory_without_end(tmp_path: Path, kind: bytes):
    """A header may announce gigabytes of name."""
    archive = tmp_path / "bomb.tar.zst"
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 90 * MEGABYTE
    data = info.tobuf() + bytes(info.size)
    archive.write_bytes(zstandard.ZstdCompressor().compress(data))

    with pytest.raises(ArchiveError, match="a name or attribute of 90000000 bytes"):
        unpack(archive, tmp_path / "root")

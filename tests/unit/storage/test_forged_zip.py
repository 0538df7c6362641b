"""Zip archives that somebody has forged."""

from __future__ import annotations

import os
import random
import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitlab_ci_provider.storage import unzip_workers
from gitlab_ci_provider.storage.archive import unpack
from gitlab_ci_provider.storage.entry import ArchiveError

NAMES = ["a", "a/b", "../x", "a/../../x", "/x", "link", "link/x", "a/link/../x", ".", "a\\..\\x"]
TARGETS = [b"..", b"/", b"a", b"../outside", b"link", b""]
KINDS = [stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK, 0]


def forge(archive: Path, seen: random.Random, names: list[str]) -> None:
    with zipfile.ZipFile(archive, "w") as target:
        for name in names:
            kind = seen.choice(KINDS)
            info = zipfile.ZipInfo(name + ("/" if kind == stat.S_IFDIR else ""))
            info.external_attr = (kind | 0o755) << 16
            info.compress_type = seen.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
            target.writestr(info, seen.choice(TARGETS) if kind == stat.S_IFLNK else b"text" * 99)
    data = bytearray(archive.read_bytes())
    for _ in range(seen.choice([0, 0, 1, 3, 20])):
        data[seen.randrange(len(data))] = seen.randrange(256)
    archive.write_bytes(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 10_000_000))
def test_nothing_is_written_outside(tmp_path_factory: pytest.TempPathFactory, seed: int):
    """Whatever bytes are changed, it is unpacked below the folder or refused with our error."""
    seen = random.Random(seed)
    unpack_forged(
        tmp_path_factory.mktemp("forged"), seen, seen.choices(NAMES, k=seen.randint(1, 8))
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000_000))
def test_nothing_is_written_outside_by_several_processes(
    tmp_path_factory: pytest.TempPathFactory, seed: int
):
    """Which write links and what would go through them at the same time."""
    seen = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unzip_workers, "_WORTH", 0)
        patch.setattr(os, "cpu_count", lambda: 3)
        folder = tmp_path_factory.mktemp("forged")
        unpack_forged(folder, seen, seen.sample(NAMES, seen.randint(3, len(NAMES))))


def unpack_forged(folder: Path, seen: random.Random, names: list[str]) -> None:
    """Unpack a forged archive, and look for what is outside."""
    forge(folder / "a.zip", seen, names)
    (folder / "outside").mkdir()

    with suppress(ArchiveError, OSError):
        unpack(folder / "a.zip", folder / "root")

    assert {path.name for path in folder.iterdir()} <= {"a.zip", "outside", "root"}
    assert not list((folder / "outside").iterdir())

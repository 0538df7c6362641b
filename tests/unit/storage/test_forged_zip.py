"""Zip archives that somebody has forged."""

from __future__ import annotations

import random
import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitlab_ci_provider.storage.archive import unpack
from gitlab_ci_provider.storage.entry import ArchiveError

NAMES = ["a", "a/b", "../x", "a/../../x", "/x", "link", "link/x", "a/link/../x", ".", "a\\..\\x"]
TARGETS = [b"..", b"/", b"a", b"../outside", b"link", b""]
KINDS = [stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK, 0]


def forge(archive: Path, seen: random.Random) -> None:
    with zipfile.ZipFile(archive, "w") as target:
        for _ in range(seen.randint(1, 8)):
            kind = seen.choice(KINDS)
            info = zipfile.ZipInfo(seen.choice(NAMES) + ("/" if kind == stat.S_IFDIR else ""))
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
    folder = tmp_path_factory.mktemp("forged")
    forge(folder / "a.zip", random.Random(seed))
    (folder / "outside").mkdir()

    with suppress(ArchiveError, OSError):
        unpack(folder / "a.zip", folder / "root")

    assert {path.name for path in folder.iterdir()} <= {"a.zip", "outside", "root"}
    assert not list((folder / "outside").iterdir())

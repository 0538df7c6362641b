"""The index next to an archive."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

from gitlab_ci_provider.storage.entry import Entry
from gitlab_ci_provider.storage.index import (
    ArtifactIndex,
    IndexedFile,
    decode_index,
    encode_index,
    listed,
    listed_files,
    write_index,
)

FOLDER, FILE = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644
MEMBERS = (
    (Entry(path="dist", mode=FOLDER), 0),
    (Entry(path='dist/ü "x"\n', mode=FILE, size=7), 0x0BADCAFE),
)
FILES = (
    IndexedFile(path="dist/", size=0, mode="40755", crc="00000000"),
    IndexedFile(path='dist/ü "x"\n', size=7, mode="100644", crc="0badcafe"),
)
INDEX = ArtifactIndex(
    job="build",
    name='"files":[]',
    object_key="a/b",
    size=9,
    created=1,
    expire_at=None,
    files=FILES,
)


def a_list(folder: Path, *members: tuple[Entry, int]) -> Path:
    """Write a list of files as whoever packs them does."""
    path = folder / "list"
    path.write_text("".join(listed(*member) for member in members), encoding="ascii")
    return path


def test_reads_what_it_wrote():
    """All that a page about artifacts shows."""
    assert decode_index(encode_index(INDEX)) == INDEX


def test_an_index_is_made_of_a_list_that_is_not_read(tmp_path: Path):
    """A million files never are in memory; no name of the job's can be taken for the list."""
    write_index(replace(INDEX, files=()), a_list(tmp_path, *MEMBERS), tmp_path / "index")
    found = decode_index((tmp_path / "index").read_bytes())

    assert found == INDEX
    assert tuple(listed_files(tmp_path / "list")) == FILES


def test_an_archive_without_files_has_an_empty_list(tmp_path: Path):
    """As when all that was found is gone."""
    write_index(replace(INDEX, files=()), a_list(tmp_path), tmp_path / "index")

    assert decode_index((tmp_path / "index").read_bytes()).files == ()


def test_a_name_that_is_not_utf_8_is_listed_as_other_programs_show_it(tmp_path: Path):
    """JSON has no other; so `artifacts get` finds it by the name that is listed."""
    listing = a_list(tmp_path, (Entry(path=os.fsdecode(b"caf\x82"), mode=FILE), 0))

    assert [file.path for file in listed_files(listing)] == ["café"]


def test_reads_what_earlier_versions_wrote():
    """An index without checksums has none to compare."""
    data = b"""{"job":"j","name":"n","object_key":"k","size":1,"created":1,"expire_at":null,
        "files":[{"path":"a","size":1,"mode":"100644"}],"schema_version":1}"""

    assert decode_index(data).checksums == {}
    assert decode_index(data).count == 1

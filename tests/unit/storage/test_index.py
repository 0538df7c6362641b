"""The index next to an archive."""

from __future__ import annotations

import stat

from gitlab_ci_provider.storage.entry import Entry
from gitlab_ci_provider.storage.index import (
    ArtifactIndex,
    IndexedFile,
    decode_index,
    encode_index,
    indexed,
)

ENTRIES = (
    Entry(path="dist", mode=stat.S_IFDIR | 0o755),
    Entry(path="dist/ü", mode=stat.S_IFREG | 0o644, size=7),
)


def test_reads_what_it_wrote():
    """All that a page about artifacts shows."""
    index = ArtifactIndex(
        job="build",
        name="artifacts",
        object_key="a/b",
        size=9,
        created=1,
        expire_at=None,
        files=indexed(ENTRIES, [0, 0x0BADCAFE]),
    )

    assert decode_index(encode_index(index)) == index


def test_folders_end_with_a_slash():
    """So a reader needs no look at modes."""
    assert indexed(ENTRIES, [0, 0x0BADCAFE]) == (
        IndexedFile(path="dist/", size=0, mode="40755", crc="00000000"),
        IndexedFile(path="dist/ü", size=7, mode="100644", crc="0badcafe"),
    )


def test_a_format_without_checksums_has_none():
    """As caches of hand-written DAGs."""
    assert [file.crc for file in indexed(ENTRIES, ())] == ["", ""]


def test_reads_what_earlier_versions_wrote():
    """An index without checksums has none to compare."""
    data = b"""{"job":"j","name":"n","object_key":"k","size":1,"created":1,"expire_at":null,
        "files":[{"path":"a","size":1,"mode":"100644"}],"schema_version":1}"""

    assert decode_index(data).checksums == {}
    assert decode_index(data).count == 1

"""Small files as members of a zip archive: read, compressed and described, many at a time.

What a batch holds depends on its files only, not on where in the archive it comes to be: so
batches are made in several processes.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gitlab_ci_provider.storage.index import listed
from gitlab_ci_provider.storage.tree_reader import CHUNK, Found, TreeReader
from gitlab_ci_provider.storage.zip_headers import records
from gitlab_ci_provider.storage.zip_methods import Method


class Batch(NamedTuple):
    """Members that follow each other.

    Attributes:
        members: headers and contents, as they are in the archive.
        records: what its directory says; the first member begins at 0.
        listing: what the list of files for an index says.
        entries: how many; `files` of those that are no folders.
        warnings: about paths that were left out.
        large: the path that is next; its contents are too many for a batch. Else empty.
    """

    members: bytes
    records: bytes
    listing: str
    entries: int
    files: int
    warnings: Sequence[str]
    large: str


class _Making:
    """A batch that is not full yet."""

    def __init__(self, method: Method):
        self._method = method
        self._empty()

    def _empty(self) -> None:
        self.size = 0
        self._members: list[bytes] = []
        self._records: list[bytes] = []
        self._listing: list[str] = []
        self._files = self._at = 0

    def add(self, found: Found) -> None:
        """Add a file with its contents, a folder or a link."""
        entry, contents = found.entry(), b""
        if found.descriptor >= 0:
            contents = found.read_whole()
            if len(contents) != entry.size:
                entry = entry._replace(size=len(contents))
        elif entry.target:
            contents = entry.target.encode("utf-8", "surrogateescape")
        how, data = self._method.compress(contents, self._at)
        header, record = records(entry, how)
        self._members += (header, data)
        self._records.append(record)
        self._listing.append(listed(entry, how.crc))
        self._files += not stat.S_ISDIR(entry.mode)
        self._at += len(header) + len(data)
        self.size += len(contents)

    def end(self, warnings: list[str], large: str = "") -> Batch:
        """Return the batch, and begin the next one."""
        members, directory = b"".join(self._members), b"".join(self._records)
        counts = len(self._listing), self._files
        made = Batch(members, directory, "".join(self._listing), *counts, warnings[:], large)
        warnings.clear()
        self._empty()
        return made


def batches(root: Path, paths: Sequence[str], method: Method) -> Iterator[Batch]:
    """Yield the members for paths below a folder, in their order; at most a chunk at once.

    Raises:
        OSError: a file cannot be read.
    """
    warnings: list[str] = []
    making = _Making(method)
    with TreeReader(root, warnings.append) as reader:
        for found in reader.find(paths):
            if found.descriptor >= 0 and found.status.st_size >= CHUNK:
                yield making.end(warnings, large=found.path)
                continue
            making.add(found)
            if making.size >= CHUNK:
                yield making.end(warnings)
    yield making.end(warnings)


def batch_of(found: Found, method: Method) -> Batch:
    """Return a batch of one member."""
    making = _Making(method)
    making.add(found)
    return making.end([])

"""The index next to each archive of artifacts: what is in it and when it expires.

For people and their tools: this package only writes it. A tool that removes expired artifacts needs
`expire_at`, and a page about artifacts the files, without fetching the archive. It is written after
the archive, so an index always has one. Metadata of the objects themselves is not used, because not
every S3 server keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import msgspec

from gitlab_ci_provider.storage.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedFile:
    """One file, folder (its path ends with `/`) or link.

    Attributes:
        size: bytes.
        crc: CRC-32 of the contents, eight hexadecimal digits; empty in earlier versions.
    """

    path: str
    size: int
    mode: str
    crc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactIndex:
    """What is known of an archive.

    Attributes:
        name: of the archive, for people.
        size: of the archive in bytes.
        sha256: of the archive, in hexadecimal; empty in earlier versions.
        access: who may download it, as in `artifacts:access`.
        created: seconds since 1970.
        expire_at: seconds since 1970; None means never.
    """

    job: str
    name: str
    object_key: str
    size: int
    sha256: str = ""
    access: str = "all"
    created: int
    expire_at: int | None
    files: tuple[IndexedFile, ...]
    schema_version: int = 2

    @property
    def count(self) -> int:
        """How many files and links it has."""
        return sum(not file.path.endswith("/") for file in self.files)

    @property
    def checksums(self) -> dict[str, str]:
        """The CRC-32 of each member, by its name in the archive."""
        return {file.path: file.crc for file in self.files if file.crc}


def indexed(entries: Iterable[Entry], checksums: Iterable[int]) -> tuple[IndexedFile, ...]:
    """Describe the entries of an archive, with the CRC-32 of each if they are known."""
    return tuple(
        IndexedFile(
            path=f"{entry.path}/" if entry.is_folder else entry.path,
            size=entry.size,
            mode=f"{entry.mode:o}",
            crc="" if crc is None else f"{crc:08x}",
        )
        for entry, crc in zip(entries, chain(checksums, repeat(None)), strict=False)
    )


def encode_index(index: ArtifactIndex) -> bytes:
    """Write an index as JSON."""
    return msgspec.json.encode(index)


def decode_index(data: bytes) -> ArtifactIndex:
    """Read an index; raises ValueError, TypeError or KeyError for anything else."""
    raw: dict[str, Any] = json.loads(data)
    return ArtifactIndex(**{**raw, "files": tuple(IndexedFile(**file) for file in raw["files"])})

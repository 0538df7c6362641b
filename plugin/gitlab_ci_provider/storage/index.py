"""The index next to each archive of artifacts: what is in it and when it expires.

For people and their tools: this package only writes it. A tool that removes expired artifacts needs
`expire_at`, and a page about artifacts the files, without fetching the archive. It is written after
the archive, so an index always has one. Metadata of the objects themselves is not used, because not
every S3 server keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from gitlab_ci_provider.storage.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedFile:
    """One file, folder (its path ends with `/`) or link; `size` in bytes."""

    path: str
    size: int
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactIndex:
    """What is known of an archive.

    Attributes:
        name: of the archive, for people.
        size: of the archive in bytes.
        created: seconds since 1970.
        expire_at: seconds since 1970; None means never.
    """

    job: str
    name: str
    object_key: str
    size: int
    created: int
    expire_at: int | None
    files: tuple[IndexedFile, ...]
    schema_version: int = 1


def indexed(entries: Iterable[Entry]) -> tuple[IndexedFile, ...]:
    """Describe the entries of an archive."""
    return tuple(
        IndexedFile(
            path=f"{entry.path}/" if entry.is_folder else entry.path,
            size=entry.size,
            mode=f"{entry.mode:o}",
        )
        for entry in entries
    )


def encode_index(index: ArtifactIndex) -> bytes:
    """Write an index as JSON."""
    return json.dumps(asdict(index), separators=(",", ":")).encode()


def decode_index(data: bytes) -> ArtifactIndex:
    """Read an index; raises ValueError, TypeError or KeyError for anything else."""
    raw: dict[str, Any] = json.loads(data)
    return ArtifactIndex(**{**raw, "files": tuple(IndexedFile(**file) for file in raw["files"])})

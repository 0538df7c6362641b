"""The index next to each archive of artifacts: what is in it and when it expires.

What removes expired artifacts needs `expire_at`, and who looks at artifacts the files, without the
archive. It is written after the archive, so an index always has one. Metadata of the objects
themselves is not used, because not every S3 server keeps it.

An archive may have a million files: what packs it writes the list of them to a file, a line for
each, and the index is made of that without reading it.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from json.encoder import encode_basestring_ascii as quote
from pathlib import Path
from typing import Any

from gitlab_ci_provider.storage.entry import Entry

_FILES = b'"files":['
_BETWEEN = b",\n"


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


def listed(entry: Entry, crc: int) -> str:
    """Describe a member as a line of the list of files."""
    path, mode, _, _, _, size, _ = entry
    if not path.isascii():
        path = _shown(path)
    name = quote(f"{path}/" if stat.S_ISDIR(mode) else path)
    return f',\n{{"path":{name},"size":{size},"mode":"{mode:o}","crc":"{crc:08x}"}}'


def listed_files(listing: Path) -> Iterator[IndexedFile]:
    """Read a list of files again."""
    with listing.open("rb") as lines:
        for line in lines:
            if found := line.strip(_BETWEEN):
                yield IndexedFile(**json.loads(found))


def write_index(index: ArtifactIndex, listing: Path, file: Path) -> None:
    """Write an index, with the files of a list, as JSON."""
    begin, files, end = encode_index(index).partition(_FILES)
    with listing.open("rb") as lines, file.open("wb") as target:
        target.write(begin + files)
        lines.seek(1)  # there is nothing before the first
        shutil.copyfileobj(lines, target)
        target.write(end)


def encode_index(index: ArtifactIndex) -> bytes:
    """Write an index as JSON."""
    return json.dumps(asdict(index), separators=(",", ":")).encode()


def decode_index(data: bytes) -> ArtifactIndex:
    """Read an index; raises ValueError, TypeError or KeyError for anything else."""
    raw: dict[str, Any] = json.loads(data)
    return ArtifactIndex(**{**raw, "files": tuple(IndexedFile(**file) for file in raw["files"])})


def _shown(name: str) -> str:
    """Return how programs show a member's name: in PKZIP's letters when it is not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("cp437")
    return name

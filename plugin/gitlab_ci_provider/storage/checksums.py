"""Checksums of archives: made when one is packed, compared when it is fetched.

The SHA-256 of an archive goes to later jobs with the job's result, not through the object store:
what is changed there is noticed. Single files are read by ranges, so for them the index has the
CRC-32 of each, which `zipfile` compares with what it reads.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from gitlab_ci_provider.storage.entry import ArchiveError


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path, expected: str, name: str) -> None:
    """Compare a file that was fetched with what was stored.

    Args:
        path: of the file.
        expected: its SHA-256; empty when that is not known.
        name: of the object, for the message.

    Raises:
        ArchiveError: it is another one.
    """
    if expected and (found := sha256_of(path)) != expected:
        words = "its checksum does not match: it was damaged or replaced in the object store"
        raise ArchiveError(f"{name}: {words} (SHA-256 {found[:12]}..., not {expected[:12]}...)")


def member_checksums(archive: Path) -> dict[str, str]:
    """Read the CRC-32 of each member of a zip archive, by its name."""
    with zipfile.ZipFile(archive) as opened:
        return {info.filename: f"{info.CRC:08x}" for info in opened.infolist()}

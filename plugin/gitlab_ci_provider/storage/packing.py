"""How an archive is to be made, and what went into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gitlab_ci_provider.model.plan import ArchiveFormat, CompressionLevel


class Counts(NamedTuple):
    """How much went into an archive.

    Attributes:
        entries: how many.
        files: of those that are no folders.
    """

    entries: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """How an archive is made.

    Attributes:
        scratch: a folder for what takes room meanwhile.
        listing: file for the list of members of a zip archive, see `index.py`; None for no list.
    """

    format: ArchiveFormat
    scratch: Path
    level: CompressionLevel = "default"
    listing: Path | None = None


def packing_of(archive: Path) -> Packing:
    """Return how an archive is made, by its name's ending."""
    form: ArchiveFormat = "zip" if archive.suffix == ".zip" else "tarzstd"
    return Packing(format=form, scratch=archive.parent)

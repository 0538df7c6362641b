"""How an archive is to be made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.model.plan import ArchiveFormat, CompressionLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """How an archive is made.

    Attributes:
        scratch: a folder for what takes room meanwhile.
    """

    format: ArchiveFormat
    scratch: Path
    level: CompressionLevel = "default"


def packing_of(archive: Path) -> Packing:
    """Return how an archive is made, by its name's ending."""
    form: ArchiveFormat = "zip" if archive.suffix == ".zip" else "tarzstd"
    return Packing(format=form, scratch=archive.parent)

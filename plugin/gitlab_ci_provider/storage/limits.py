"""Limits for unpacking: an archive of a few megabytes can contain gigabytes, or millions of files.

Jobs of one project unpack what others have packed, and a node's jobs share its disk.
"""

from __future__ import annotations

from gitlab_ci_provider.model.plan import ArchiveLimits
from gitlab_ci_provider.storage.entry import ArchiveError

ALWAYS = 100_000_000
"""Bytes that any archive may become: small archives of repetitive files are common and harmless."""


class Meter:
    """Counts what is unpacked from one archive.

    Args:
        limits: the most that is allowed.
        packed: bytes of the archive.
    """

    def __init__(self, limits: ArchiveLimits, packed: int):
        self.limits = limits
        self.packed = packed
        self.bytes = 0
        self.entries = 0

    def add_entries(self, count: int) -> None:
        """Count entries.

        Raises:
            ArchiveError: there are too many.
        """
        self.entries += count
        if self.entries > self.limits.entries:
            raise _refusal(f"has more than {self.limits.entries} entries", "archive_max_entries")

    def add_bytes(self, count: int) -> None:
        """Count bytes.

        Raises:
            ArchiveError: there are too many, or too many for so small an archive.
        """
        self.bytes += count
        if self.bytes > self.limits.size:
            raise _refusal(f"holds more than {self.limits.size} bytes", "archive_max_size")
        if self.bytes > max(ALWAYS, self.packed * self.limits.ratio):
            words = f"of {self.packed} bytes holds more than {self.limits.ratio} times as many"
            raise _refusal(words, "archive_max_ratio")


def _refusal(words: str, setting: str) -> ArchiveError:
    return ArchiveError(f"refused: the archive {words} ([gitlab_ci] {setting})")

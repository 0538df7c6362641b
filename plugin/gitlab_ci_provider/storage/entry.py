"""One file, folder or symbolic link in an archive, whatever the format of the archive."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple, cast

from gitlab_ci_provider.exceptions import GitlabCiError


class ArchiveError(GitlabCiError):
    """An archive is broken, or would write outside the folder."""


class Entry(NamedTuple):
    """What is known of one path.

    Attributes:
        path: relative to the project, parts joined with `/`.
        mode: kind and permissions, as `st_mode`.
        mtime: seconds since 1970.
        uid, gid: the owner; restored only by root.
        size: bytes of a file's contents.
        target: of a symbolic link.
    """

    path: str
    mode: int
    mtime: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    target: str = ""

    @property
    def is_folder(self) -> bool:
        """Return whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """Return whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)

    @property
    def is_file(self) -> bool:
        """Return whether it is a regular file."""
        return stat.S_ISREG(self.mode)


def entry_of(path: str, found: os.stat_result, target: str = "") -> Entry:
    """Build the entry of a path from its status in the file system."""
    mode, _, _, _, uid, gid, size, _, mtime, _ = cast("tuple[int, ...]", found)
    return Entry(path, mode, mtime, uid, gid, size if stat.S_ISREG(mode) else 0, target)

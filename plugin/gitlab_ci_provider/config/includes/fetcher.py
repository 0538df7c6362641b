"""How included text is obtained: a protocol, so that no rule of the language knows of I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class FileFetcher(Protocol):
    """The files of one commit or directory."""

    def read(self, path: str) -> bytes | None:
        """Give a file's contents, by path from the repository's root; None when it is not there.

        Raises:
            SourceError: it is there and cannot be read.
        """

    def paths(self) -> Sequence[str]:
        """List all files, for globs and `exists`."""

"""How included text is obtained: protocols, so that the rules of the language need no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class FileFetcher(Protocol):
    """The files of one commit or directory."""

    def read(self, path: str) -> bytes | None:
        """Return a file's contents, by path from the repository's root; None when it is not there.

        Raises:
            SourceError: it is there and cannot be read.
        """

    def paths(self) -> Sequence[str]:
        """List all files, for globs and `exists`."""


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """Files of another project at one commit.

    Attributes:
        version: of a released component; empty for any other ref.
    """

    files: FileFetcher
    sha: str
    version: str = ""


class Elsewhere(Protocol):
    """Everything that is included from outside the repository."""

    def project(self, path: str, ref: str | None) -> ProjectFiles | None:
        """Find a project at a ref (None: its default branch); None when it does not exist.

        Also finds components' versions: `~latest`, `1`, `1.2` name releases.

        Raises:
            SourceError: it cannot be reached.
        """

    def remote(self, url: str) -> bytes:
        """Fetch a URL.

        Raises:
            SourceError: it cannot be fetched, or must not be.
        """

    def template(self, name: str) -> bytes | None:
        """Return one of GitLab's templates; None when it does not exist."""

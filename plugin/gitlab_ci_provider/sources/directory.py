"""A working tree as a source of files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gitlab_ci_provider.config.documents import MAX_BYTES
from gitlab_ci_provider.exceptions import SourceError

_IGNORED_FOLDERS = frozenset({".git", ".venv", "node_modules"})
MAX_FILES = 200_000


class DirectoryFetcher:
    """Reads files below a folder, and nothing outside it, not even through links."""

    def __init__(self, root: Path):
        self.root = root.resolve()
        self._paths: tuple[str, ...] | None = None

    def read(self, path: str) -> bytes | None:
        """Return a file's contents; None when there is no such file below the folder.

        Of a file that is larger than any configuration, only so much is read that this is seen.

        Raises:
            SourceError: it is there and cannot be read, or a link leads out of the folder.
        """
        wanted = self.root / path.lstrip("/")
        if "\0" in path or ".." in Path(path).parts:
            return None
        try:
            real = wanted.resolve(strict=True)
            if not real.is_relative_to(self.root):
                raise SourceError(f"`{path}` is a link that leads outside the repository")
            return _beginning(real) if real.is_file() else None
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, RuntimeError) as error:
            why = isinstance(error, OSError) and error.strerror
            raise SourceError(f"`{path}` cannot be read: {why or error}") from error

    def paths(self) -> Sequence[str]:
        """List all files below the folder, sorted; folders of tools are left out."""
        if self._paths is None:
            self._paths = tuple(sorted(self._walk()))
        return self._paths

    def _walk(self) -> list[str]:
        found: list[str] = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in _IGNORED_FOLDERS]
            prefix = os.path.relpath(folder, self.root)
            found.extend(name if prefix == "." else f"{prefix}/{name}" for name in files)
            if len(found) > MAX_FILES:
                break
        return found


def _beginning(file: Path) -> bytes:
    with file.open("rb") as content:
        return content.read(MAX_BYTES + 1)

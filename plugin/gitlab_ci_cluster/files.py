"""Files that appear whole or not at all, and directories that are deleted despite permissions.

The fork server imports this, so it uses the standard library and no other module of the package.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path


def write_private(path: Path, data: bytes) -> None:
    """Write a file that nobody else may read; after a failure the old one is still there."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def remove_tree(path: Path) -> bool:
    """Delete a file, or a directory with its contents; return whether it is gone.

    Works for cgroups, too: their files cannot be deleted, but go with their directory.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, onerror=_retry)
    else:
        path.unlink(missing_ok=True)
    return not os.path.lexists(path)


def _retry(_function: object, name: str, _error: object) -> None:
    """Add the missing permissions and try once more."""
    path = Path(name)
    with suppress(OSError):
        path.parent.chmod(stat.S_IRWXU)
        if stat.S_ISDIR(path.lstat().st_mode):
            path.chmod(stat.S_IRWXU)
            for child in os.scandir(path):
                if child.is_dir(follow_symlinks=False):
                    remove_tree(Path(child.path))
                else:
                    Path(child.path).unlink()
            path.rmdir()
        else:
            path.unlink()

"""Which caches are in the working copy just as they are in the store: saving them changes nothing.

`restore_cache` notes what it has written: each path with its inode, size, permissions and times.
A change time cannot be set by programs, so a file with the same one is the same file. The job may
write to the note, too; all it gains is that its own cache is not saved.

Unlike GitLab, which always uploads, a cache is then left alone. An object that is older than a day
is replaced nevertheless: rules that delete old objects must not take a cache that is in use.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.output import unix_time
from gitlab_ci_provider.storage.folders import Folders

_OLD = 24 * 3600
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LENGTH = 64

_KNOWN = struct.Struct("=QIIIqqq")


def remember(context: PhaseContext, key: str, archive: Path, paths: Iterable[str]) -> None:
    """Note the state of what was unpacked from an archive, whose time is that of its object."""
    if unix_time() - archive.stat().st_mtime >= _OLD:
        return
    with suppress(OSError):
        descriptor = os.open(_note(context, key), _WRITE, 0o600)
        try:
            os.write(descriptor, _state(context.project_dir, paths).encode("ascii"))
        finally:
            os.close(descriptor)


def is_unchanged(context: PhaseContext, key: str, paths: Iterable[str]) -> bool:
    """Return whether these paths are exactly what was restored from an object."""
    try:
        return _noted(_note(context, key)) == _state(context.project_dir, paths)
    except (OSError, ValueError):
        return False


def _noted(note: Path) -> str:
    """Read a note; raises OSError or ValueError when it is none of ours."""
    descriptor = os.open(note, _READ)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError(f"{note} is not a file")
        return os.read(descriptor, _LENGTH).decode("ascii")
    finally:
        os.close(descriptor)


def _note(context: PhaseContext, key: str) -> Path:
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return context.control / f"restored-{digest[:32]}"


def _state(root: Path, paths: Iterable[str]) -> str:
    """Sum up what the file system knows of paths, in one digest."""
    names = sorted(set(paths))
    digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape"))
    with Folders(os.fspath(root)) as folders:
        for path in names:
            folder, _, name = path.rpartition("/")
            found = os.lstat(name, dir_fd=folders.enter(folder))
            known = (found.st_ino, found.st_mode, found.st_uid, found.st_gid, found.st_size)
            digest.update(_KNOWN.pack(*known, found.st_mtime_ns, found.st_ctime_ns))
    return digest.hexdigest()

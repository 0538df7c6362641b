"""The facade: files of a working copy to an archive and back.

`.zip` for artifacts, which people open; `.tar.zst` for caches, which only jobs use. The format's
module is imported when it is used: most jobs need neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from gitlab_ci_provider.model.plan import ArchiveLimits
from gitlab_ci_provider.storage.entry import Entry

_USUAL = ArchiveLimits()


def pack(
    root: Path, paths: Iterable[str], archive: Path, *, warn: Callable[[str], None]
) -> list[Entry]:
    """Write paths below a folder to a new archive; return what went into it.

    Args:
        root: the project's folder.
        paths: relative to it; the archive keeps their order.
        archive: its name's ending decides the format.
        warn: told about each path that is left out.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written.
    """
    if archive.suffix == ".zip":
        from gitlab_ci_provider.storage.zipped import pack_zip

        return pack_zip(root, paths, archive, warn)
    from gitlab_ci_provider.storage.tarred import pack_tar

    return pack_tar(root, paths, archive, warn)


def unpack(
    archive: Path,
    root: Path,
    limits: ArchiveLimits = _USUAL,
    *,
    wrote: Callable[[str], None] = lambda _: None,
) -> int:
    """Unpack an archive below a folder; return the number of entries.

    Args:
        archive: its name's ending decides the format.
        root: is made if it does not exist.
        limits: what it may hold.
        wrote: told each path of an entry, as the archive spells it.

    Raises:
        ArchiveError: it is broken, contains too much, or would write outside the folder.
        OSError: a file cannot be written.
    """
    if archive.suffix == ".zip":
        from gitlab_ci_provider.storage.zipped import unpack_zip

        return unpack_zip(archive, root, limits, wrote)
    from gitlab_ci_provider.storage.tarred import unpack_tar

    return unpack_tar(archive, root, limits, wrote)

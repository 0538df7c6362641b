"""The facade: files of a working copy to an archive and back.

`.zip` for artifacts, which people open; `.tar.zst` for caches, which only jobs use. The format's
module is imported when it is used: most jobs need neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from gitlab_ci_provider.model.plan import ArchiveLimits
from gitlab_ci_provider.storage.checksums import RunningDigest
from gitlab_ci_provider.storage.packing import Counts, Packing, packing_of

_USUAL = ArchiveLimits()


def pack(root: Path, paths: Iterable[str], archive: Path, *, warn: Callable[[str], None]) -> Counts:
    """Write paths below a folder to a new file, whose name's ending decides the format.

    For arguments and errors see `pack_into`.
    """
    with archive.open("wb") as file:
        return pack_into(file.write, root, paths, packing_of(archive), warn)


def pack_hashed(
    write: Callable[[bytes], object],
    root: Path,
    paths: Iterable[str],
    packing: Packing,
    warn: Callable[[str], None],
) -> tuple[Counts, str]:
    """Write paths below a folder to a new archive; return its SHA-256, too.

    For arguments and errors see `pack_into`.
    """
    with RunningDigest() as digest:

        def write_both(data: bytes) -> None:
            write(data)
            digest.update(data)

        counts = pack_into(write_both, root, paths, packing, warn)
        return counts, digest.hexdigest()


def pack_into(
    write: Callable[[bytes], object],
    root: Path,
    paths: Iterable[str],
    packing: Packing,
    warn: Callable[[str], None],
) -> Counts:
    """Write paths below a folder to a new archive; return what went into it.

    Args:
        write: receives the archive, piece by piece.
        root: the project's folder.
        paths: relative to it; the archive keeps their order.
        packing: how it is made.
        warn: told about each path that is left out.

    Raises:
        OSError: a file cannot be read, or there is no room.
    """
    if packing.format == "tarzstd":
        from gitlab_ci_provider.storage.tarred import pack_tar

        return pack_tar(write, root, paths, packing.level, warn)
    from gitlab_ci_provider.storage.zipped import pack_zip

    return pack_zip(write, root, paths, packing, warn)


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

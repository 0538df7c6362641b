"""What saving caches and saving artifacts have in common: find, pack, put."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.meter import metered
from gitlab_ci_provider.helper.transfers import again, put
from gitlab_ci_provider.helper.untracked import untracked_files
from gitlab_ci_provider.storage.archive import pack_hashed, pack_into
from gitlab_ci_provider.storage.members import Members, find_members
from gitlab_ci_provider.storage.packing import Counts, Packing

if TYPE_CHECKING:
    from gitlab_ci_provider.storage.multipart import PartedUpload


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to save, as the file says it."""

    paths: Sequence[str]
    exclude: Sequence[str] = ()
    untracked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an archive goes.

    Attributes:
        label: what is said of its transfer.
        hashed: its SHA-256 is wanted.
    """

    key: str
    packing: Packing
    label: str
    hashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was saved.

    Attributes:
        size: of the archive in bytes.
        sha256: of the archive, if it was wanted.
        files: how many it has, links too, but no folders.
    """

    size: int
    sha256: str
    files: int


def store(context: PhaseContext, members: Members, target: Target) -> Saved:
    """Pack files and put the archive into the store.

    Raises:
        GitlabCiError: the store failed, more than once.
        OSError: a file could not be read, or there is no room for the archive.
    """
    archive = target.packing.scratch / "archive"
    upload = context.store().begin(target.key, partial(again, context, context.output.warning))
    if upload is not None:
        try:
            return _store_in_parts(context, members, target, upload)
        except StorageError as problem:  # somebody may have given it up, or it is there already
            context.output.warning(f"{problem}; the archive is packed again, to a file")
    with archive.open("wb") as file:
        counts, sha256 = _packed(context, members, target, file.write)
    put(context, archive, target.key, target.label)
    return Saved(size=archive.stat().st_size, sha256=sha256, files=counts.files)


def _store_in_parts(
    context: PhaseContext, members: Members, target: Target, upload: PartedUpload
) -> Saved:
    """Store an archive while it is packed; a small one by one request once it is whole."""

    def put_small(data: bytes) -> None:
        archive = target.packing.scratch / "archive"
        archive.write_bytes(data)
        put(context, archive, target.key, target.label)

    with metered(target.label, context.plan.meter_seconds, context.output.line) as upload.progress:
        counts, sha256 = upload.store(partial(_packed, context, members, target), put_small)
    return Saved(size=upload.size, sha256=sha256, files=counts.files)


def _packed(
    context: PhaseContext, members: Members, target: Target, write: Callable[[bytes], object]
) -> tuple[Counts, str]:
    """Pack files; return what went into the archive, and its SHA-256 if it is wanted."""
    packed = (context.project_dir, members.paths, target.packing, context.output.warning)
    if target.hashed:
        return pack_hashed(write, *packed)
    return pack_into(write, *packed), ""


def find(context: PhaseContext, wanted: Wanted) -> Members:
    """Find the wanted files, and say in the log what was found."""
    untracked = None
    if wanted.untracked:
        untracked = untracked_files(context.project_dir, context.output.warning)
    members = find_members(
        context.project_dir, wanted.paths, exclude=wanted.exclude, untracked=untracked
    )
    for line in members.findings:
        context.output.line(line)
    for line in members.warnings:
        context.output.warning(line)
    return members

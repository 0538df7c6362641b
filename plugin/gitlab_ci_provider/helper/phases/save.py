"""What saving caches and saving artifacts have in common: find, pack, put."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.helper.attempts import attempt
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.meter import metered
from gitlab_ci_provider.helper.untracked import untracked_files
from gitlab_ci_provider.storage.archive import Contents, Packing, pack_hashed, pack_into
from gitlab_ci_provider.storage.base import StorageUnavailableError
from gitlab_ci_provider.storage.members import Members, find_members


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
    """What was saved; `size` in bytes, `sha256` of the archive, if it was wanted."""

    size: int
    sha256: str
    contents: Contents


def store(context: PhaseContext, members: Members, target: Target) -> Saved:
    """Pack files and put the archive into the store.

    Raises:
        GitlabCiError: the store failed, more than once.
        OSError: a file could not be read, or there is no room for the archive.
    """
    archive = target.packing.scratch / "archive"
    packed = (context.project_dir, members.paths)
    warn, sha256 = context.output.warning, ""
    if target.hashed:
        contents, sha256 = pack_hashed(*packed, archive, target.packing, warn)
    else:
        with archive.open("wb") as file:
            contents = pack_into(file.write, *packed, target.packing, warn)
    put(context, archive, target.key, target.label)
    return Saved(size=archive.stat().st_size, sha256=sha256, contents=contents)


def put(context: PhaseContext, path: Path, key: str, label: str = "") -> None:
    """Put a file into the store, trying again when the store fails.

    Args:
        context: of the job.
        path: of the file.
        key: of the object.
        label: what the log says of the transfer; empty for a small file.
    """

    def send() -> None:
        seconds = context.plan.meter_seconds if label else 0
        with metered(label, seconds, context.output.line) as progress:
            context.store().put(key, path, progress)

    attempt(
        send,
        context.plan.attempts,
        sleep=context.sleep,
        say=context.output.warning,
        on=StorageUnavailableError,
    )


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

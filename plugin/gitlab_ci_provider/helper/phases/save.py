"""What saving caches and saving artifacts have in common: find, pack, put."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.helper.attempts import attempt
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.untracked import untracked_files
from gitlab_ci_provider.storage.archive import pack
from gitlab_ci_provider.storage.base import StorageUnavailableError
from gitlab_ci_provider.storage.entry import Entry
from gitlab_ci_provider.storage.members import Members, find_members


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to save, as the file says it."""

    paths: Sequence[str]
    exclude: Sequence[str] = ()
    untracked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was saved; `size` in bytes."""

    size: int
    entries: Sequence[Entry]


def save(context: PhaseContext, wanted: Wanted, archive: Path, key: str) -> Saved | None:
    """Pack the wanted files and put the archive into the store; None when there are none.

    Raises:
        GitlabCiError: the store failed, more than once.
        OSError: a file could not be read, or there is no room for the archive.
    """
    members = find(context, wanted)
    return store(context, members, archive, key) if members.paths else None


def store(context: PhaseContext, members: Members, archive: Path, key: str) -> Saved:
    """Pack files and put the archive into the store; for errors see `save`."""
    entries = pack(context.project_dir, members.paths, archive, warn=context.output.warning)
    size = archive.stat().st_size
    put(context, archive, key)
    return Saved(size=size, entries=entries)


def put(context: PhaseContext, path: Path, key: str) -> None:
    """Put a file into the store, trying again when the store fails."""
    attempt(
        lambda: context.store().put(key, path),
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

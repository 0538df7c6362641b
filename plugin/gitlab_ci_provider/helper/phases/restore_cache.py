"""Phase `restore_cache`: caches of earlier jobs into the working copy. Never fatal.

The first of a cache's object keys that exists is taken: its own, then the fallbacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import NamedTuple

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.helper.attempts import STAGE, attempt
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.in_turn import Say, in_turn
from gitlab_ci_provider.helper.restored import remember
from gitlab_ci_provider.helper.transfers import fetch
from gitlab_ci_provider.model.plan import CacheRestore
from gitlab_ci_provider.storage.archive import unpack
from gitlab_ci_provider.storage.base import MissingObjectError
from gitlab_ci_provider.storage.keys import CACHE_SUFFIX


class Fetched(NamedTuple):
    """An object that was found, and the file that holds it now."""

    key: str
    archive: Path


Fetch = Callable[[Say], Fetched | None]

_ZIP = b"PK\x03\x04"


def restore_cache(context: PhaseContext) -> None:
    """Restore each cache, while the next ones are fetched; warn of those that cannot be had."""
    caches = context.plan.restores
    with context.scratch() as folder:
        works = [partial(_fetch, context, cache, folder / str(n)) for n, cache in enumerate(caches)]
        with closing(in_turn(works)) as fetched:
            for cache, work, ahead in zip(caches, works, fetched, strict=True):
                for warning in cache.warnings:
                    context.output.warning(warning)
                context.output.notice(f"Checking cache for {cache.name}...")
                _restore(context, chain([ahead.take], repeat(work)))


def _restore(context: PhaseContext, fetches: Iterator[Fetch]) -> None:
    """Restore a cache; what it takes to fetch it is done again with each attempt."""
    try:
        found = attempt(
            lambda: _extract(context, next(fetches)(context.output.warning)),
            context.plan.restore_cache_attempts,
            sleep=context.sleep,
            say=context.output.warning,
            on=(GitlabCiError, OSError),
            pauses=STAGE,
        )
    except (GitlabCiError, OSError) as error:
        context.output.warning(f"Failed to extract cache: {error}")
        return
    if found:
        context.output.notice("Successfully extracted cache")
    else:
        context.output.line("No cache found; the job starts without one.")


def _fetch(context: PhaseContext, cache: CacheRestore, folder: Path, say: Say) -> Fetched | None:
    """Fetch the first object that exists; None when there is none."""
    folder.mkdir(exist_ok=True)
    archive = folder / f"cache{CACHE_SUFFIX}"
    key = next((key for key in cache.object_keys if _has(context, key, archive, say)), None)
    return None if key is None else Fetched(key, _as_it_is(archive))


def _extract(context: PhaseContext, fetched: Fetched | None) -> bool:
    if fetched is None:
        return False
    key, archive = fetched
    try:
        context.output.line(f"Extracting {key} ({archive.stat().st_size} bytes)")
        paths: list[str] = []
        unpack(archive, context.project_dir, context.plan.archive_limits, wrote=paths.append)
        remember(context, key, archive, paths)
    finally:
        archive.unlink()
    return True


def _as_it_is(archive: Path) -> Path:
    """Name an archive after its contents: those of GitLab Runner are zip archives, if not told."""
    with archive.open("rb") as file:
        zipped = file.read(len(_ZIP)) == _ZIP
    return archive.rename(archive.with_name("cache.zip")) if zipped else archive


def _has(context: PhaseContext, key: str, archive: Path, say: Say) -> bool:
    try:
        fetch(context, key, archive, "Downloading cache", say)
    except MissingObjectError:
        return False
    return True

"""Phase `restore_cache`: caches of earlier jobs into the working copy. Never fatal.

The first of a cache's object keys that exists is taken: its own, then the fallbacks.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.helper.attempts import STAGE, attempt
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.restored import remember
from gitlab_ci_provider.model.plan import CacheRestore
from gitlab_ci_provider.storage.archive import unpack
from gitlab_ci_provider.storage.base import MissingObjectError, StorageUnavailableError
from gitlab_ci_provider.storage.keys import CACHE_SUFFIX

_ZIP = b"PK\x03\x04"


def restore_cache(context: PhaseContext) -> None:
    """Restore each cache; one that cannot be had is warned about."""
    for cache in context.plan.restores:
        for warning in cache.warnings:
            context.output.warning(warning)
        context.output.notice(f"Checking cache for {cache.name}...")
        try:
            found = attempt(
                partial(_restore, context, cache),
                context.plan.restore_cache_attempts,
                sleep=context.sleep,
                say=context.output.warning,
                on=(GitlabCiError, OSError),
                pauses=STAGE,
            )
        except (GitlabCiError, OSError) as error:
            context.output.warning(f"Failed to extract cache: {error}")
            continue
        if found:
            context.output.notice("Successfully extracted cache")
        else:
            context.output.line("No cache found; the job starts without one.")


def _restore(context: PhaseContext, cache: CacheRestore) -> bool:
    with context.scratch() as folder:
        archive = folder / f"cache{CACHE_SUFFIX}"
        key = next((key for key in cache.object_keys if _fetched(context, key, archive)), None)
        if key is None:
            return False
        archive = _as_it_is(archive)
        context.output.line(f"Extracting {key} ({archive.stat().st_size} bytes)")
        paths: list[str] = []
        unpack(archive, context.project_dir, context.plan.archive_limits, wrote=paths.append)
        remember(context, key, archive, paths)
    return True


def _as_it_is(archive: Path) -> Path:
    """Name an archive after its contents: those of GitLab Runner are zip archives, if not told."""
    with archive.open("rb") as file:
        zipped = file.read(len(_ZIP)) == _ZIP
    return archive.rename(archive.with_name("cache.zip")) if zipped else archive


def _fetched(context: PhaseContext, key: str, archive: Path) -> bool:
    try:
        attempt(
            lambda: context.store().get(key, archive),
            context.plan.attempts,
            sleep=context.sleep,
            say=context.output.warning,
            on=StorageUnavailableError,
        )
    except MissingObjectError:
        return False
    return True

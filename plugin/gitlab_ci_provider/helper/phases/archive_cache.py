"""Phase `archive_cache`: save caches for later jobs. Never fatal.

An archive replaces the one before it only once it is whole: a store that fails keeps the old one.
"""

from __future__ import annotations

from collections.abc import Iterable

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.phases.save import Wanted, find, store
from gitlab_ci_provider.helper.restored import is_unchanged
from gitlab_ci_provider.model.plan import CacheArchive
from gitlab_ci_provider.storage.keys import CACHE_SUFFIX


def archive_caches(context: PhaseContext, caches: Iterable[CacheArchive]) -> None:
    """Save each cache; one that cannot be saved is warned about."""
    for cache in caches:
        context.output.notice(f"Creating cache {cache.name}...")
        for warning in cache.warnings:
            context.output.warning(warning)
        wanted = Wanted(paths=cache.paths, untracked=cache.untracked)
        try:
            _archive(context, wanted, cache)
        except (GitlabCiError, OSError) as error:
            context.output.warning(f"Failed to create cache: {error}")


def _archive(context: PhaseContext, wanted: Wanted, cache: CacheArchive) -> None:
    key, suffix = cache.object_key, ".zip" if cache.format == "zip" else CACHE_SUFFIX
    members = find(context, wanted)
    if not members.paths:
        context.output.line("Nothing to save; the existing cache is kept.")
    elif is_unchanged(context, key, members.paths):
        context.output.notice("The cache has not changed; it is not uploaded again")
    else:
        with context.scratch() as folder:
            saved = store(context, members, folder / f"cache{suffix}", key)
        context.output.notice(f"Created cache ({saved.size} bytes)")

"""Phase `archive_cache`: save caches for later jobs. Never fatal.

An archive replaces the one before it only once it is whole: a store that fails keeps the old one.
"""

from __future__ import annotations

from collections.abc import Iterable

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.phases.save import Wanted, save
from gitlab_ci_provider.model.plan import CacheArchive
from gitlab_ci_provider.storage.keys import CACHE_SUFFIX


def archive_caches(context: PhaseContext, caches: Iterable[CacheArchive]) -> None:
    """Save each cache; one that cannot be saved is warned about."""
    for cache in caches:
        context.output.notice(f"Creating cache {cache.name}...")
        wanted = Wanted(paths=cache.paths, untracked=cache.untracked)
        try:
            with context.scratch() as folder:
                saved = save(context, wanted, folder / f"cache{CACHE_SUFFIX}", cache.object_key)
        except (GitlabCiError, OSError) as error:
            context.output.warning(f"Failed to create cache: {error}")
            continue
        if saved is None:
            context.output.line("Nothing to save; the existing cache is kept.")
        else:
            context.output.notice(f"Created cache ({saved.size} bytes)")

"""Phase `archive_cache`: save caches for later jobs. Never fatal.

An archive replaces the one before it only once it is whole: a store that fails keeps the old one.
The next cache is packed while one is uploaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.in_turn import HeldOutput, Say, in_turn
from gitlab_ci_provider.helper.phases.save import Target, Wanted, find, store
from gitlab_ci_provider.helper.restored import is_unchanged
from gitlab_ci_provider.model.plan import CacheArchive
from gitlab_ci_provider.storage.packing import Packing


def archive_caches(context: PhaseContext, caches: Iterable[CacheArchive]) -> None:
    """Save each cache; one that cannot be saved is warned about."""
    outputs, works = [], []
    for cache in caches:
        outputs.append(HeldOutput(context.output))
        works.append(_work(replace(context, output=outputs[-1]), cache))
    with closing(in_turn(works)) as begun:
        for output, ahead in zip(outputs, begun, strict=True):
            output.release()
            ahead.take(output.line)


def _work(context: PhaseContext, cache: CacheArchive) -> Callable[[Say], None]:
    def work(_: Say) -> None:
        context.output.notice(f"Creating cache {cache.name}...")
        for warning in cache.warnings:
            context.output.warning(warning)
        try:
            _archive(context, cache)
        except (GitlabCiError, OSError) as error:
            context.output.warning(f"Failed to create cache: {error}")

    return work


def _archive(context: PhaseContext, cache: CacheArchive) -> None:
    wanted = Wanted(paths=cache.paths, untracked=cache.untracked)
    members = find(context, wanted)
    if not members.paths:
        context.output.line("Nothing to save; the existing cache is kept.")
    elif is_unchanged(context, cache.object_key, members.paths):
        context.output.notice("The cache has not changed; it is not uploaded again")
    else:
        with context.scratch() as folder:
            packing = Packing(format=cache.format, scratch=folder, level=context.plan.cache_level)
            target = Target(key=cache.object_key, packing=packing, label="Uploading cache")
            saved = store(context, members, target)
        context.output.notice(f"Created cache ({saved.size} bytes)")

"""Cache keys made from files: the digest that GitLab puts behind the prefix of a key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from gitlab_ci_provider.model.cache import CacheKey
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.sources.repository import Repository


def file_keys(pipeline: Pipeline, repository: Repository, sha: str) -> Mapping[str, str]:
    """Make the digest of every `cache:key:files` and `files_commits` of a pipeline at a commit.

    Returns:
        By `CacheKey.source`, the SHA-1 over the sorted ids of the files' contents, or of the
        commits that changed them last; those without any are left out.
        Source: GitLab, `lib/gitlab/ci/pipeline/seed/build/cache.rb`.
    """
    wanted = {
        cache.key.source: cache.key
        for job in pipeline.jobs.values()
        for cache in job.caches
        if cache.key.source
    }
    named = any(key.files for key in wanted.values())
    blobs = repository.at(sha).blobs() if named else {}

    def ids_of(key: CacheKey) -> Iterator[str]:
        for pattern in key.files:
            yield from _contents(pattern, blobs)
        for path in filter(str.strip, key.files_commits):
            changed = repository.last_commit(sha, path)
            if changed:
                yield changed

    found = {source: set(ids_of(key)) for source, key in sorted(wanted.items())}
    return {source: _digest(ids) for source, ids in found.items() if ids}


def _contents(pattern: str, blobs: Mapping[str, str]) -> Iterable[str]:
    from gitlab_ci_provider.rules.globs import compile_wildcards  # DAG parsing needs no RE2

    if "*" not in pattern:
        return [blobs[pattern]] if pattern in blobs else []
    regex = compile_wildcards(pattern)
    return [name for path, name in blobs.items() if regex and regex.found_in(path)]


def _digest(ids: Iterable[str]) -> str:
    return hashlib.sha1("-".join(sorted(ids)).encode()).hexdigest()  # noqa: S324 - GitLab's

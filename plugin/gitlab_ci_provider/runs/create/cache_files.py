"""Cache keys made from files: the digest that GitLab puts behind the prefix of a key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from gitlab_ci_provider.model.cache import CacheKey
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.sources.git import GitFetcher
from gitlab_ci_provider.sources.git_history import last_commit


def file_keys(pipeline: Pipeline, commit: GitFetcher) -> Mapping[str, str]:
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
    blobs = commit.blobs() if any(key.files for key in wanted.values()) else {}
    found = {source: set(_ids(key, commit, blobs)) for source, key in sorted(wanted.items())}
    return {source: _digest(ids) for source, ids in found.items() if ids}


def _ids(key: CacheKey, commit: GitFetcher, blobs: Mapping[str, str]) -> Iterator[str]:
    for pattern in key.files:
        yield from _contents(pattern, blobs)
    for path in filter(str.strip, key.files_commits):
        changed = last_commit(commit.mirror, commit.sha, path)
        if changed:
            yield changed


def _contents(pattern: str, blobs: Mapping[str, str]) -> Iterable[str]:
    from gitlab_ci_provider.rules.globs import compile_wildcards  # DAG parsing needs no RE2

    if "*" not in pattern:
        return [blobs[pattern]] if pattern in blobs else []
    regex = compile_wildcards(pattern)
    return [name for path, name in blobs.items() if regex and regex.found_in(path)]


def _digest(ids: Iterable[str]) -> str:
    return hashlib.sha1("-".join(sorted(ids)).encode()).hexdigest()  # noqa: S324 - GitLab's

"""Digests for cache keys, with real git."""

from __future__ import annotations

import hashlib
from pathlib import Path

from factories import make_job, make_pipeline
from gitlab_ci_provider.model.cache import Cache, CacheKey
from gitlab_ci_provider.runs.create.cache_files import file_keys
from gitlab_ci_provider.sources.git_repository import GitRepository
from servers.repositories import commit, git, make_repository


def digest_of(folder: Path, key: CacheKey) -> str | None:
    """Make the digest of a key at the repository's newest commit."""
    repository = GitRepository.open(folder / "mirrors", (folder / "repository").as_uri())
    ref = repository.fetch("main")
    pipeline = make_pipeline(make_job("job", caches=(Cache(key=key, paths=("x",)),)))
    return file_keys(pipeline, repository, ref.sha).get(key.source)


def sha1(*ids: str) -> str:
    return hashlib.sha1("-".join(sorted(ids)).encode()).hexdigest()


def test_files_make_a_digest_of_contents(tmp_path: Path):
    """The SHA-1 over the sorted blob ids; wildcards are files, the same contents count once."""
    repository = tmp_path / "repository"
    make_repository(repository, {"a.lock": "1", "d/a.lock": "2", "d/e/b.lock": "1", "c": "3"})
    one, two = (git(repository, "rev-parse", f"HEAD:{path}") for path in ("a.lock", "d/a.lock"))

    assert digest_of(tmp_path, CacheKey(files=("a.lock",))) == sha1(one)
    assert digest_of(tmp_path, CacheKey(files=("d/a.lock", "none"))) == sha1(two)
    assert digest_of(tmp_path, CacheKey(files=("*.lock",))) == sha1(one)
    assert digest_of(tmp_path, CacheKey(files=("**.lock",))) == sha1(one, two)
    assert digest_of(tmp_path, CacheKey(files=("none", "d"))) is None


def test_files_commits_make_a_digest_of_commits(tmp_path: Path):
    """The SHA-1 over the ids of the commits that changed the files last, as `files` once was."""
    repository = tmp_path / "repository"
    make_repository(repository, {"a.lock": "1", "b.lock": "1"})
    first = git(repository, "rev-parse", "HEAD")
    second = commit(repository, {"b.lock": "2"}, "b")
    commit(repository, {"c": "1"}, "c")

    assert digest_of(tmp_path, CacheKey(files_commits=("a.lock",))) == sha1(first)
    assert digest_of(tmp_path, CacheKey(files_commits=("a.lock", "b.lock"))) == sha1(first, second)
    assert digest_of(tmp_path, CacheKey(files_commits=("none",))) is None


def test_the_same_contents_in_another_commit_differ_for_commits_only(tmp_path: Path):
    """Contents that come back have their cache back; commits never do."""
    repository = tmp_path / "repository"
    make_repository(repository, {"a": "1"})
    contents, commits = CacheKey(files=("a",)), CacheKey(files_commits=("a",))
    before = [digest_of(tmp_path, key) for key in (contents, commits)]
    commit(repository, {"a": "2"}, "away")
    commit(repository, {"a": "1"}, "back")
    after = [digest_of(tmp_path, key) for key in (contents, commits)]

    assert before[0] == after[0]
    assert before[1] != after[1]

"""`cache:`: files that make the next job faster and may be missing."""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.model.artifacts import SaveWhen


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKey:
    """`cache:key`: a text, or one made from the contents of files at the commit.

    Attributes:
        value: the text; None when `files` makes the key, or when no key was written.
        files: the key changes with the contents of these files at the commit.
        files_commits: the key changes with the last commits of these files.
    """

    value: str | None = None
    files: tuple[str, ...] = ()
    files_commits: tuple[str, ...] = ()
    prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """One `cache:` entry. `policy` is a text because it may be a variable.

    Attributes:
        unprotect: share the cache between protected and other refs.
    """

    key: CacheKey = CacheKey()
    paths: tuple[str, ...] = ()
    untracked: bool = False
    policy: str = "pull-push"
    when: SaveWhen = "on_success"
    fallback_keys: tuple[str, ...] = ()
    unprotect: bool = False

"""`cache:`: files that make the next job faster and may be missing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from gitlab_ci_provider.model.artifacts import SaveWhen


class CachePolicy(StrEnum):
    """`cache:policy`, in the order of GitLab's messages."""

    PULL_PUSH = "pull-push"
    PUSH = "push"
    PULL = "pull"

    @property
    def restores(self) -> bool:
        """Whether the cache is fetched before the script."""
        return self is not CachePolicy.PUSH

    @property
    def archives(self) -> bool:
        """Whether it is saved after the script."""
        return self is not CachePolicy.PULL


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKey:
    """`cache:key`: a text, or one made from files at the commit.

    Attributes:
        value: the text; None when files make the key, or when no key was written.
        files: the key changes with the contents of these files at the commit.
        files_commits: the key changes with the last commits of these files.
        prefix: what comes before the digest; None when it was not written.
    """

    value: str | None = None
    files: tuple[str, ...] = ()
    files_commits: tuple[str, ...] = ()
    prefix: str | None = None

    @property
    def source(self) -> str:
        """Name what it is a digest of, as the record of a run does; empty for a text."""
        files = self.files or self.files_commits
        kind = "files" if self.files else "files_commits"
        return json.dumps([kind, *files]) if files else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """One `cache:` entry.

    Attributes:
        policy: a `CachePolicy`, or a text with variables that only a job knows.
        unprotect: protected refs use the cache of all other refs.
    """

    key: CacheKey = CacheKey()
    paths: tuple[str, ...] = ()
    untracked: bool = False
    policy: str = CachePolicy.PULL_PUSH
    when: SaveWhen = "on_success"
    fallback_keys: tuple[str, ...] = ()
    unprotect: bool = False

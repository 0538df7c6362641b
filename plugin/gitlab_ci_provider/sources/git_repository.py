"""A repository that is read by git, with its history: a mirror that can answer every question."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources import git_diff, git_history
from gitlab_ci_provider.sources.git import GitFetcher, Mirror

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GitRepository(Mirror):
    """A `Repository`; history is fetched as far as a question needs it."""

    def at(self, sha: str) -> GitFetcher:
        """Return the files of a commit."""
        return GitFetcher(self, sha)

    def is_there(self, sha: str) -> bool:
        """Return whether a commit can be fetched."""
        try:
            if not self.has(sha):
                self.bring([sha], depth=1)
        except SourceError as problem:
            _log.warning("commit %s is not there: %s", sha, problem)
            return False
        return True

    def changed_between(self, before: str, after: str) -> frozenset[str]:
        """List the files that differ between two commits."""
        return git_diff.changed_between(self, before, after)

    def changed_since(self, base: str, head: str) -> frozenset[str]:
        """List the files that changed since the merge base."""
        return git_diff.changed_since(self, base, head)

    def merge_base(self, first: str, other: str) -> str | None:
        """Find the merge base of two commits."""
        return git_diff.merge_base(self, first, other)

    def last_commit(self, sha: str, path: str) -> str | None:
        """Find the commit that changed a path last."""
        return git_history.last_commit(self, sha, path)

    def led_to(self, sha: str, tip: str) -> bool:
        """Return whether a branch was once at a commit."""
        return git_history.led_to(self, sha, tip)

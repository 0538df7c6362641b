"""A repository as the rest of the package sees it, however it is read: by git, or by an API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gitlab_ci_provider.config.includes.fetcher import FileFetcher
from gitlab_ci_provider.model.project import Commit, Ref


class CommitFiles(FileFetcher, Protocol):
    """The files of one commit; each method raises `SourceError` when they cannot be read."""

    def blobs(self) -> Mapping[str, str]:
        """Return the object ID of every file, by path."""
        ...

    def commit(self) -> Commit:
        """Return the commit's own data, without its predecessor and tags."""
        ...


class Repository(Protocol):
    """One repository; each method raises `SourceError` when it cannot be read."""

    @property
    def url(self) -> str:
        """Its address, without a login."""
        ...

    def default_branch(self) -> str:
        """Name the branch of its HEAD."""
        ...

    def project_branch(self, head: str) -> str:
        """Return which branch is CI_DEFAULT_BRANCH: the one of its HEAD, as a rule."""
        ...

    def listing(self, patterns: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Return the full name of the default branch, and commits by the full names of refs.

        Args:
            patterns: `refs/heads/*`, `refs/tags/*`, `refs/merge-requests/*`.

        Returns:
            The branch is empty, and not in the commits, where there is no commit at all.
        """
        ...

    def ref_names(self) -> frozenset[str]:
        """List the short names of branches and tags."""
        ...

    def fetch(self, name: str, sha: str = "") -> Ref:
        """Find a branch, tag or commit, and make its commit readable.

        Args:
            name: of a branch or tag, a full ref (`refs/...`) or a full commit id.
            sha: an earlier commit of that ref instead of its newest.

        Raises:
            UnknownRefError: there is no such ref or commit.
        """
        ...

    def fetch_listed(self, full: str, sha: str) -> Ref:
        """Make the commit of a ref readable that was just listed, by its full name."""
        ...

    def tip(self, ref: Ref) -> str:
        """Return which commit a branch or tag is at; empty when it is neither, or gone."""
        ...

    def tag_message(self, name: str) -> str:
        """Read the message of an annotated tag; empty for a lightweight one."""
        ...

    def at(self, sha: str) -> CommitFiles:
        """Return the files of a commit that was fetched."""
        ...

    def is_there(self, sha: str) -> bool:
        """Return whether a commit can be read; a force push may have removed it for good."""
        ...

    def changed_between(self, before: str, after: str) -> frozenset[str]:
        """List the files that differ between commits; a renamed one counts with both names."""
        ...

    def changed_since(self, base: str, head: str) -> frozenset[str]:
        """List the files that changed from the merge base of two commits to the second."""
        ...

    def merge_base(self, first: str, other: str) -> str | None:
        """Find the merge base of two commits; None when they have no common ancestor."""
        ...

    def last_commit(self, sha: str, path: str) -> str | None:
        """Find the commit that changed a path last, up to a given one; None without one."""
        ...

    def led_to(self, sha: str, tip: str) -> bool:
        """Return whether a branch that is at `tip` was once at a commit: first parents count."""
        ...

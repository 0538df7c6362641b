"""Which files differ between commits of a mirror, without a checkout and without reading a file."""

from __future__ import annotations

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.git import Mirror

_DEPTHS = (50, 1000, None)
"""How much history is fetched until two commits have a common ancestor."""


def changed_between(mirror: Mirror, before: str, after: str) -> frozenset[str]:
    """List the files that differ between two commits; a renamed one counts with both names.

    Source: GitLab's `Gitlab::Git::Push#changed_paths`.

    Raises:
        SourceError: a commit cannot be fetched.
    """
    missing = [sha for sha in (before, after) if not mirror.has(sha)]
    if missing:
        mirror.bring(missing, depth=1)
    return _names(mirror.git(["diff-tree", "-r", "-z", "--name-only", before, after]))


def changed_since(mirror: Mirror, base: str, head: str) -> frozenset[str]:
    """List the files that changed from the merge base of two commits to the second.

    Source: GitLab's `Ci::Pipeline#modified_paths_since`, for `changes:compare_to` and merge
    requests. Commits without a common ancestor have no such files there either.
    """
    parted = merge_base(mirror, base, head)
    if parted is None:
        return frozenset()
    return _names(mirror.git(["diff-tree", "-r", "-z", "-M", "--name-only", parted, head]))


def merge_base(mirror: Mirror, first: str, other: str) -> str | None:
    """Find the merge base of two commits; None when they have no common ancestor."""
    for depth in _DEPTHS:
        found = _merge_base(mirror, first, other)
        if found:
            return found
        mirror.bring([first, other], depth=depth)
    return _merge_base(mirror, first, other)


def _merge_base(mirror: Mirror, first: str, other: str) -> str | None:
    if not (mirror.has(first) and mirror.has(other)):
        return None
    try:
        return mirror.git(["merge-base", first, other]).decode().strip()
    except SourceError:
        return None


def _names(listing: bytes) -> frozenset[str]:
    return frozenset(name.decode(errors="surrogateescape") for name in listing.split(b"\0") if name)

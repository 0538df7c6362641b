"""What git knows of a working copy: its commits, and the files that differ from a ref."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.project import Commit
from gitlab_ci_provider.sources.git_command import NOTHING, run_git, without_filters


def changed_since(folder: Path, ref: str) -> frozenset[str] | None:
    """List the files that differ from the merge base of the working copy and a ref.

    Uncommitted changes count, as the working copy is what is compiled. A branch that is known only
    from the remote `origin` is found, too.

    Args:
        folder: the root of the working copy.
        ref: a branch, tag or commit.

    Returns:
        Paths from the root; None when there is no such ref.

    Raises:
        SourceError: git cannot compare them.
    """
    commit = _commit(folder, ref) or _commit(folder, f"origin/{ref}")
    if commit is None:
        return None
    base = _git(folder, "merge-base", commit, "HEAD") or commit.encode()
    asked = ["diff", "--name-only", "-z", "--no-ext-diff", "--no-textconv"]
    compared = [*asked, "--ignore-submodules=dirty", base.decode().strip(), "--"]
    listing = _git(folder, *compared, extra=without_filters(folder))
    if listing is None:
        raise SourceError(f"git cannot compare {folder} with {ref}")
    return frozenset(os.fsdecode(name) for name in listing.split(b"\0") if name)


def read_commit(folder: Path, ref: str | None) -> Commit:
    """Return what the commit of a ref says about itself, or that of the working copy.

    A repository without commits has nothing to return.
    """
    sha = (ref and _commit(folder, ref)) or "HEAD"
    said = _git(
        folder,
        "show",
        "--no-patch",
        "--no-show-signature",
        "--format=format:%an <%ae>%x00%cI%x00%B",
        sha,
        "--",
    )
    if not said:
        return Commit()
    author, timestamp, message = said.decode(errors="replace").split("\0", 2)
    return Commit(author=author, timestamp=timestamp, message=message)


def _commit(folder: Path, ref: str) -> str | None:
    if ref.startswith("-"):
        return None
    found = _git(
        folder, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{ref}^{{commit}}"
    )
    return found.decode().split("\n")[-2] if found and b"\n" in found else None


def _git(folder: Path, *arguments: str, extra: Mapping[str, str] = NOTHING) -> bytes | None:
    done = run_git(["-C", str(folder), *arguments], extra)
    return done.stdout if done.returncode == 0 else None

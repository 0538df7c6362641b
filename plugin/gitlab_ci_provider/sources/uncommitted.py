"""The files of a working copy as a commit, so that a pipeline can run what is not committed.

Index, branches and stash stay as they are. The commit belongs to no branch; git removes it when it
is two weeks old, as everything that nothing refers to.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.git_command import git, run_git, without_filters

_MESSAGE = "Uncommitted changes\n\nMade by gitlab-dags run --worktree."


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkTree:
    """A working copy as a commit.

    Attributes:
        branch: that is checked out; empty when there is none.
        sha: of the commit; of `HEAD` if nothing has been changed.
    """

    branch: str
    sha: str


def commit_work_tree(folder: Path) -> WorkTree:
    """Make a commit of all files that git does not ignore, deleted ones among them.

    The same files give the same commit, whose time is that of the commit before it.

    Raises:
        SourceError: it is not a working copy with a commit, or git cannot read its files.
    """
    top = _line(folder, "rev-parse", "--show-toplevel")
    head = run_git(["-C", top, "rev-parse", "--quiet", "--verify", "HEAD"]).stdout.decode().strip()
    if not head:
        raise SourceError(f"{folder} has no commits yet: make one, it may be empty")
    branch = run_git(["-C", top, "symbolic-ref", "--quiet", "--short", "HEAD"])
    tree = _tree(Path(top))
    if tree == _line(folder, "rev-parse", "HEAD^{tree}"):
        sha = head
    else:
        time = _line(folder, "show", "--no-patch", "--no-show-signature", "--format=%cI", head)
        asked = ["commit-tree", tree, "-p", head, "-m", _MESSAGE, "--no-gpg-sign"]
        sha = _line(folder, *asked, extra=_person(folder, time))
    return WorkTree(branch=branch.stdout.decode(errors="replace").strip(), sha=sha)


def _tree(top: Path) -> str:
    """Store all files, by a copy of the index: unchanged files are not read."""
    index = Path(_line(top, "rev-parse", "--path-format=absolute", "--git-path", "index"))
    with tempfile.TemporaryDirectory(prefix="gitlab-dags-") as folder:
        own = Path(folder) / "index"
        if index.exists():
            shutil.copyfile(index, own)
        extra = {**without_filters(top), "GIT_INDEX_FILE": str(own)}
        git(["-C", str(top), "add", "--all", "--", ":/"], what=f"read {top}", extra=extra)
        return _line(top, "write-tree", extra=extra)


def _person(folder: Path, time: str) -> Mapping[str, str]:
    """Name the person who works here, even where git does not know them."""
    known = run_git(["-C", str(folder), "config", "user.email"]).stdout.decode(errors="replace")
    name = run_git(["-C", str(folder), "config", "user.name"]).stdout.decode(errors="replace")
    found = {}
    for role in ("AUTHOR", "COMMITTER"):
        found[f"GIT_{role}_NAME"] = name.strip() or "gitlab-dags"
        found[f"GIT_{role}_EMAIL"] = known.strip() or "gitlab-dags@localhost"
        found[f"GIT_{role}_DATE"] = time
    return {**os.environ, **found}


def _line(folder: Path | str, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
    said = git(["-C", str(folder), *arguments], what=f"read {folder}", extra=extra or {})
    line = said.decode(errors="surrogateescape").strip()
    if not line:
        raise SourceError(f"git does not know {arguments[-1]} of {folder}")
    return line

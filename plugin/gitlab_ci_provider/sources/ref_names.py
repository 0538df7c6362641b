"""What names of branches, tags and commits mean, however a repository is read."""

from __future__ import annotations

import re

from gitlab_ci_provider.model.project import Ref, RefKind

_SHA = re.compile(r"[0-9a-f]{40}")
HEADS, TAGS = "refs/heads/", "refs/tags/"


def is_commit_id(name: str) -> bool:
    """Return whether a ref was given as a full commit id."""
    return _SHA.fullmatch(name) is not None


def meanings(name: str) -> dict[str, Ref]:
    """Return what a name may mean, by its full name: a branch before a tag, as GitLab has it."""
    kinds = {HEADS: RefKind.BRANCH, TAGS: RefKind.TAG}
    for prefix, kind in kinds.items():
        if name.startswith(prefix):
            return {name: Ref(name=name.removeprefix(prefix), sha="", kind=kind)}
    if name == "HEAD" or name.startswith("refs/"):
        return {name: Ref(name=name, sha="")}
    return {prefix + name: Ref(name=name, sha="", kind=kind) for prefix, kind in kinds.items()}


def full_name(ref: Ref) -> str:
    """Return the full name of a ref; `HEAD` and other full names stay."""
    if ref.name == "HEAD" or ref.name.startswith("refs/"):
        return ref.name
    return f"{TAGS if ref.kind == RefKind.TAG else HEADS}{ref.name}"

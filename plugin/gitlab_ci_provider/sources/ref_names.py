"""What names of branches, tags and commits mean, however a repository is read."""

from __future__ import annotations

import re
from collections.abc import Collection

from gitlab_ci_provider.model.nearest import nearest
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.model.quoted import quoted

_SHORT_SHA = re.compile(r"[0-9a-f]{7,39}")
HEADS, TAGS = "refs/heads/", "refs/tags/"


def meanings(name: str) -> dict[str, Ref]:
    """Return what a name may mean, by its full name: a branch before a tag, as GitLab has it."""
    kinds = {HEADS: RefKind.BRANCH, TAGS: RefKind.TAG}
    for prefix, kind in kinds.items():
        if name.startswith(prefix):
            return {name: Ref(name=name.removeprefix(prefix), sha="", kind=kind)}
    if name == "HEAD" or name.startswith("refs/"):
        return {name: Ref(name=name, sha="")}
    return {prefix + name: Ref(name=name, sha="", kind=kind) for prefix, kind in kinds.items()}


def named(name: str) -> str:
    """Say what a name is that names nothing."""
    for prefix, kind in ((TAGS, "tag"), (HEADS, "branch")):
        if name.startswith(prefix):
            return f"{kind} '{quoted(name.removeprefix(prefix))}'"
    return f"branch, tag or commit id '{quoted(name)}'"


def hint(name: str, known: Collection[str]) -> str:
    """Suggest what a name that names nothing stands for; empty when there is no idea."""
    if _SHORT_SHA.fullmatch(name):
        return "; commit ids have 40 digits"
    close = nearest(name.removeprefix(TAGS).removeprefix(HEADS), sorted(known))
    return f"; did you mean '{quoted(close)}'?" if close else ""


def full_name(ref: Ref) -> str:
    """Return the full name of a ref; `HEAD` and other full names stay."""
    if ref.name == "HEAD" or ref.name.startswith("refs/"):
        return ref.name
    return f"{TAGS if ref.kind == RefKind.TAG else HEADS}{ref.name}"

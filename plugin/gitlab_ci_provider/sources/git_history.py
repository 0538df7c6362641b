"""The commits of a branch, without their files."""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.git import Mirror

_DEPTHS = (50, 1000, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One commit of a branch; `parent` is empty for the very first."""

    sha: str
    parent: str
    title: str


def commits(mirror: Mirror, first: str, last: str) -> list[Step]:
    """List the commits from one to another, both included, oldest first, by first parents.

    Raises:
        SourceError: the first is not among those that led to the last.
    """
    start, end = mirror.fetch(first).sha, mirror.fetch(last).sha
    for depth in _DEPTHS:
        mirror.bring([start, end], depth=depth)
        steps = _steps(mirror, end)
        known = [step.sha for step in steps]
        if start in known:
            found = steps[: known.index(start) + 1]
            if found[-1].parent or depth is None:
                return list(reversed(found))
    message = f"{first} ({start[:8]}) is not an ancestor of {last} ({end[:8]})"
    raise SourceError(f"{message}, not counting merged branches")


def last_commit(mirror: Mirror, sha: str, path: str) -> str | None:
    """Find the commit that changed a path last, up to a given one; None when there is none.

    History is fetched as far as needed. The oldest commit in the mirror appears to have added every
    file; its real changes are known only once its parents are fetched.
    """
    if path.startswith("/") or ".." in path.split("/"):
        return None
    for depth in _DEPTHS:
        mirror.bring([sha], depth=depth)
        listing = mirror.git(["log", "-1", "--format=%H", sha, "--", path])
        found = listing.decode().strip()
        if found and found not in _oldest(mirror):
            return found
    return found or None


def _oldest(mirror: Mirror) -> list[str]:
    """List the commits whose parents are not in the mirror."""
    file = mirror.path / "shallow"
    return file.read_text("utf-8").split() if file.exists() else []


def led_to(mirror: Mirror, sha: str, tip: str) -> bool:
    """Return whether a branch that is at `tip` was once at a commit.

    Only first parents count: commits that a merge brought in were never the branch's state.

    Raises:
        SourceError: the history cannot be fetched.
    """
    for depth in _DEPTHS:
        mirror.bring([tip], depth=depth)
        listed = mirror.git(["rev-list", "--first-parent", tip, "--"]).decode().split()
        if sha in listed:
            return True
    return False


def _steps(mirror: Mirror, end: str) -> list[Step]:
    form = "--format=%H%x00%P%x00%s"
    listing = mirror.git(["log", "-z", "--first-parent", form, end]).decode(errors="replace")
    fields = listing.rstrip("\0").split("\0")
    triples = zip(fields[::3], fields[1::3], fields[2::3], strict=True)
    return [Step(sha=sha, parent=parents[:40], title=title) for sha, parents, title in triples]

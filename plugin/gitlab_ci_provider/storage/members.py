"""Which files of a working copy an archive gets, as the runner's file_archiver.go finds them.

A pattern that matches a folder includes everything below it. Symbolic links are archived as links
and never followed; nothing outside the project can be reached, whatever a link or pattern says.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gitlab_ci_provider.storage.globs import BadPatternError, Glob, compile_glob


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """What was found.

    Attributes:
        paths: relative to the project, sorted, folders too.
        findings: one line about each pattern, in the runner's words.
        warnings: the lines among them that need attention.
    """

    paths: tuple[str, ...]
    findings: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(slots=True)
class _Search:
    root: Path
    excluded: dict[str, Glob]
    found: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


def find_members(
    root: Path,
    patterns: Iterable[str],
    *,
    exclude: Iterable[str] = (),
    untracked: Iterable[str] | None = None,
) -> Members:
    """Find the files that patterns name.

    Args:
        root: the project's folder.
        patterns: relative to it, or absolute below it.
        exclude: patterns of what is left out; `dir/**/*` for everything in a folder.
        untracked: paths that git does not track; None when they are not wanted.
    """
    search = _Search(Path(os.path.realpath(root)), {})
    for pattern in exclude:
        glob = _compile(search, pattern)
        if glob is not None:
            search.excluded[pattern] = glob
    for pattern in patterns:
        _add_pattern(search, pattern)
    if untracked is not None:
        _add_untracked(search, untracked)
    search.findings.extend(f"{rule}: excluded {n} files" for rule, n in search.left_out.items())
    return Members(
        paths=tuple(sorted(search.found)),
        findings=tuple(search.findings),
        warnings=tuple(search.warnings),
    )


def _add_pattern(search: _Search, pattern: str) -> None:
    glob = _compile(search, pattern)
    if glob is None:
        return
    count = _add(search, _matches(search.root, glob))
    if count:
        line = f"{pattern}: found {count} matching artifact files and directories"
        search.findings.append(line)
    else:
        hint = f"Ensure that the artifact path is relative to the working directory ({search.root})"
        search.warnings.append(f"{pattern}: no matching files. {hint}")


def _add_untracked(search: _Search, paths: Iterable[str]) -> None:
    count = _add(search, (path.rstrip("/") for path in paths))
    if count:
        search.findings.append(f"untracked: found {count} files")
    else:
        search.warnings.append("untracked: no files")


def _add(search: _Search, paths: Iterable[str]) -> int:
    """Add paths, unless a rule excludes them; return how many."""
    kept = [path for path in paths if not (search.excluded and _is_excluded(search, path))]
    search.found.update(kept)
    return len(kept)


def _is_excluded(search: _Search, path: str) -> bool:
    for rule, glob in search.excluded.items():
        if glob.matches(path):
            search.left_out[rule] = search.left_out.get(rule, 0) + 1
            return True
    return False


def _compile(search: _Search, pattern: str) -> Glob | None:
    """Make a pattern relative and compile it; warn if that is impossible."""
    if not pattern:
        search.warnings.append("No matching files. Path is empty.")
        return None
    clean = posixpath.normpath(pattern)
    if clean.startswith("/"):
        root = str(search.root)
        clean = posixpath.relpath(clean, root)
    if clean == ".." or clean.startswith("../"):
        search.warnings.append(f"artifact path is not a subpath of project directory: {pattern}")
        return None
    try:
        return compile_glob("**" if clean == "." else clean)
    except BadPatternError as error:
        search.warnings.append(f"{pattern}: {error}")
        return None


def _matches(root: Path, glob: Glob) -> Iterator[str]:
    """Yield the matches and everything below them, each once; never `.` itself."""
    if glob.base and glob.matches(glob.base):
        if _inside(root, posixpath.dirname(glob.base)) and os.path.lexists(root / glob.base):
            yield from _with_contents(root, glob.base)
    elif _inside(root, glob.base) and (root / glob.base).is_dir():
        yield from _walk(root, glob.base, glob)


def _walk(root: Path, folder: str, glob: Glob) -> Iterator[str]:
    for path, is_folder in _entries(root, folder):
        if glob.matches(path):
            yield path
            if is_folder:
                yield from _below(root, path)
        elif is_folder and (glob.depth is None or path.count("/") + 1 < glob.depth):
            yield from _walk(root, path, glob)


def _with_contents(root: Path, path: str) -> Iterator[str]:
    yield path
    if _is_folder(root / path):
        yield from _below(root, path)


def _below(root: Path, folder: str) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        for path, is_folder in _entries(root, waiting.pop()):
            yield path
            if is_folder:
                waiting.append(path)


def _entries(root: Path, folder: str) -> list[tuple[str, bool]]:
    """List a folder: relative paths, and whether each is a folder; links are not."""
    below = f"{folder}/" if folder else ""
    with os.scandir(f"{root}/{folder}") as entries:
        return [(below + entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def _inside(root: Path, path: str) -> bool:
    """Return whether links on the way stay in the project."""
    real = os.path.realpath(root / path)
    return real == str(root) or real.startswith(f"{root}/")


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False

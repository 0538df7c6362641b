"""Git repositories as a source: a bare mirror on disk, fetched on demand, read without a checkout.

Every git command runs without a terminal, without the user's hooks and with any repository owner
accepted: mirrors only ever serve files, nothing in them is executed.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.git_login import (
    GitLogin,
    configuration,
    login_environment,
    split_login,
)
from gitlab_ci_provider.model.project import Commit, Ref, RefKind

_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Mirror:
    """A bare repository that follows one URL."""

    path: Path
    url: str
    login: GitLogin | None = None

    @classmethod
    def open(cls, folder: Path, url: str, login: GitLogin | None = None) -> Mirror:
        """Make or find the mirror of a URL below a folder.

        User and password in the URL are used for logging in; the mirror does not hold them.
        """
        url, named = split_login(url)
        name = hashlib.sha256(url.encode()).hexdigest()[:16]
        path = folder / f"{name}.git"
        if not (path / "HEAD").exists():
            path.mkdir(parents=True, exist_ok=True)
            _git(["init", "--quiet", "--bare", str(path)], what="make a mirror")
        return cls(path, url, named or login)

    def default_branch(self) -> str:
        """Ask the repository which branch is its default one.

        Raises:
            SourceError: it cannot be reached or has no commit.
        """
        answer = self._remote(["--symref", self.url, "HEAD"])
        found = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", answer, re.MULTILINE)
        if found:
            return found[1]
        if not answer.strip():
            raise SourceError(f"{hide_credentials(self.url)} has no commits yet")
        return "HEAD"

    def fetch(self, name: str) -> Ref:
        """Bring one commit of a branch, tag or commit id here and say which it is.

        Raises:
            SourceError: the repository cannot be reached or has no such ref.
        """
        ref = self._resolve(name)
        if not self._has(ref.sha):
            source = ref.sha if _SHA.fullmatch(name) else _full_name(ref)
            self._git(["fetch", "--quiet", "--depth", "1", "--no-tags", self.url, source])
        return ref

    def ref_names(self) -> frozenset[str]:
        """List the short names of the repository's branches and tags."""
        listing = self._remote(["--heads", "--tags", self.url])
        names = (name.split("/", 2)[2] for name, _ in _parse_refs(listing))
        return frozenset(name.removesuffix("^{}") for name in names)

    def _resolve(self, name: str) -> Ref:
        patterns = [f"refs/heads/{name}", f"refs/tags/{name}", f"refs/tags/{name}^{{}}"]
        shas = dict(_parse_refs(self._remote([self.url, "HEAD", *patterns])))
        branch = shas.get(f"refs/heads/{name}") or (shas.get("HEAD") if name == "HEAD" else None)
        if branch:
            return Ref(name=name, sha=branch, kind=RefKind.BRANCH)
        tag = shas.get(f"refs/tags/{name}^{{}}") or shas.get(f"refs/tags/{name}")
        if tag:
            return Ref(name=name, sha=tag, kind=RefKind.TAG)
        if _SHA.fullmatch(name):
            return Ref(name=name, sha=name)
        message = f"{hide_credentials(self.url)} has no branch, tag or commit id '{name}'"
        raise SourceError(message)

    def _remote(self, arguments: Sequence[str]) -> str:
        return self._git(["ls-remote", *arguments]).decode(errors="replace")

    def _has(self, sha: str) -> bool:
        command = ["git", "-C", str(self.path), "cat-file", "-e", f"{sha}^{{commit}}"]
        return _run(command).returncode == 0

    def _git(self, arguments: Sequence[str]) -> bytes:
        what = f"read {hide_credentials(self.url)}"
        login = login_environment(self.url, self.login)
        return _git(["-C", str(self.path), *arguments], what=what, extra=login)


@dataclass(frozen=True, slots=True)
class GitFetcher:
    """Reads files of one commit from a mirror; a `FileFetcher`."""

    mirror: Mirror
    sha: str

    def read(self, path: str) -> bytes | None:
        """Read a file; None when the commit has no regular file there."""
        command = ["git", "-C", str(self.mirror.path), "cat-file", "blob", f"{self.sha}:{path}"]
        done = _run(command)
        return done.stdout if done.returncode == 0 else None

    def paths(self) -> Sequence[str]:
        """List every file of the commit."""
        command = ["-C", str(self.mirror.path), "ls-tree", "-r", "-z", "--name-only", self.sha]
        listing = _git(command, what="list files")
        return [name.decode(errors="surrogateescape") for name in listing.split(b"\0") if name]

    def commit(self) -> Commit:
        """Tell what the commit says about itself; its predecessor and tags are not asked for."""
        form = "--format=format:%an <%ae>%x00%cI%x00%B"
        command = ["-C", str(self.mirror.path), "show", "--no-patch", form, self.sha]
        said = _git(command, what="read a commit").decode(errors="replace")
        author, timestamp, message = said.split("\0", 2)
        return Commit(author=author, timestamp=timestamp, message=message)


def is_commit_id(name: str) -> bool:
    """Tell whether a ref was given as a full commit id."""
    return _SHA.fullmatch(name) is not None


def uncommitted_changes(folder: Path) -> int:
    """Count the files of a working copy that differ from its commit; 0 where there is none."""
    done = _run(["git", "-C", str(folder), "status", "--porcelain"])
    return len(done.stdout.splitlines()) if done.returncode == 0 else 0


def hide_credentials(url: str) -> str:
    """Return a URL that may be shown: without user and password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _full_name(ref: Ref) -> str:
    if ref.name == "HEAD":
        return "HEAD"
    return f"refs/{'tags' if ref.kind == RefKind.TAG else 'heads'}/{ref.name}"


def _parse_refs(listing: str) -> list[tuple[str, str]]:
    pairs = (line.split("\t", 1) for line in listing.splitlines() if "\t" in line)
    return [(name, sha) for sha, name in pairs]


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment, with git kept from asking and from doubting owners."""
    settings = configuration({"safe.directory": "*"}, extra)
    return {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **settings}


def _git(
    arguments: Sequence[str], *, what: str, extra: Mapping[str, str] = MappingProxyType({})
) -> bytes:
    try:
        done = _run(["git", *arguments], extra)
    except FileNotFoundError:
        raise SourceError(f"cannot {what}: git is not installed") from None
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode(errors="replace").strip()
    raise SourceError(f"cannot {what}: {said}")


def _run(
    command: Sequence[str], extra: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, env=_environment(extra), capture_output=True, check=False)

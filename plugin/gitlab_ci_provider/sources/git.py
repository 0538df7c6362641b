"""Git repositories as a source: a bare mirror on disk, fetched on demand, read without a checkout.

Every git command runs without a terminal, without the user's hooks and with any repository owner
accepted: mirrors only ever serve files, nothing in them is executed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

from gitlab_ci_provider.exceptions import SourceError, UnknownRefError
from gitlab_ci_provider.model.git_login import (
    GitLogin,
    configuration,
    login_environment,
    split_login,
)
from gitlab_ci_provider.model.project import Commit, Ref, RefKind
from gitlab_ci_provider.sources.stale_locks import clear_locks

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

    @property
    def environment(self) -> Mapping[str, str]:
        """What git is told: where `origin` is, and how to log in there."""
        login = login_environment(self.url, self.login)
        return configuration({"remote.origin.url": self.url}, login)

    def project_branch(self, head: str) -> str:
        """Tell which branch is CI_DEFAULT_BRANCH: the repository's HEAD, as a rule.

        In a working copy that was cloned, that is its origin's default branch, not the branch that
        happens to be checked out: jobs that deploy the one must not run for the other.
        """
        if not self.url.startswith("file:"):
            return head
        answer = self._remote(["--symref", "origin", "refs/remotes/origin/HEAD"])
        found = re.search(r"^ref: refs/remotes/origin/(\S+)\t", answer, re.MULTILINE)
        return found[1] if found else head

    def default_branch(self) -> str:
        """Ask the repository which branch its HEAD is: the default one, or what is checked out.

        Raises:
            SourceError: it cannot be reached or has no commit.
        """
        answer = self._remote(["--symref", "origin", "HEAD"])
        found = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", answer, re.MULTILINE)
        if found:
            return found[1]
        if not answer.strip():
            raise SourceError(f"{hide_credentials(self.url)} has no commits yet")
        return "HEAD"

    def fetch(self, name: str, sha: str = "") -> Ref:
        """Bring one commit of a branch, tag or commit id here and say which it is.

        Args:
            name: of a branch or tag, a full ref (`refs/...`) or a full commit id.
            sha: an earlier commit of that ref to bring in place of its newest.

        Raises:
            SourceError: the repository cannot be reached, or has no such ref or commit.
        """
        ref = self._resolve(name, sha)
        if self.has(ref.sha):
            return ref
        if ref.sha == sha and not is_commit_id(name):
            self._bring_earlier(ref)
        else:
            self.bring([ref.sha if is_commit_id(name) else _full_name(ref)], depth=1)
        return ref

    def bring(self, sources: Sequence[str], *, depth: int | None = None) -> None:
        """Fetch refs or commit ids: commits and folders, and files only when they are read.

        One process at a time: git refuses to change what a shallow repository lacks twice at once.

        Args:
            sources: full names or commit ids.
            depth: how many commits of each; None brings the whole history.
        """
        how = ["--unshallow"] if depth is None else ["--depth", str(depth)]
        if depth is None and not (self.path / "shallow").exists():
            how = []
        with self._alone():
            filtered = ["fetch", "--quiet", "--no-tags", "--filter=blob:none", *how]
            self.git([*filtered, "origin", *sources])

    def has(self, sha: str) -> bool:
        """Tell whether a commit is here."""
        command = ["git", "-C", str(self.path), "cat-file", "-e", f"{sha}^{{commit}}"]
        return _run(command).returncode == 0

    def tag_message(self, name: str) -> str:
        """Read the message of an annotated tag; empty for a lightweight one."""
        full = f"refs/tags/{name}"
        shas = dict(_parse_refs(self._remote(["origin", full, f"{full}^{{}}"])))
        if f"{full}^{{}}" not in shas:
            return ""
        self.bring([full], depth=1)
        said = self.git(["cat-file", "tag", shas[full]]).decode(errors="replace")
        return said.partition("\n\n")[2].strip()

    def ref_names(self) -> frozenset[str]:
        """List the short names of the repository's branches and tags."""
        listing = self._remote(["--heads", "--tags", "origin"])
        names = (name.split("/", 2)[2] for name, _ in _parse_refs(listing))
        return frozenset(name.removesuffix("^{}") for name in names)

    def git(self, arguments: Sequence[str]) -> bytes:
        """Run git in the mirror and return what it says; files that are missing are fetched.

        Raises:
            SourceError: git failed; the message has git's words without credentials.
        """
        what = f"read {hide_credentials(self.url)}"
        return _git(["-C", str(self.path), *arguments], what=what, extra=self.environment)

    def _bring_earlier(self, ref: Ref) -> None:
        """Fetch a commit by its id; some servers only give it with the history of its ref."""
        try:
            self.bring([ref.sha], depth=1)
        except SourceError:
            self.bring([_full_name(ref)])
            if not self.has(ref.sha):
                raise

    def _resolve(self, name: str, sha: str) -> Ref:
        patterns = [f"refs/heads/{name}", f"refs/tags/{name}", f"refs/tags/{name}^{{}}"]
        exact = [name] if name.startswith("refs/") else []
        shas = dict(_parse_refs(self._remote(["origin", "HEAD", *patterns, *exact])))
        branch = shas.get(f"refs/heads/{name}") or (shas.get("HEAD") if name == "HEAD" else None)
        branch = branch or (shas.get(name) if exact else None)
        if branch:
            return Ref(name=name, sha=sha or branch, kind=RefKind.BRANCH)
        tag = shas.get(f"refs/tags/{name}^{{}}") or shas.get(f"refs/tags/{name}")
        if tag:
            return Ref(name=name, sha=sha or tag, kind=RefKind.TAG)
        if is_commit_id(name) or sha:
            return Ref(name=name, sha=sha or name)
        message = f"{hide_credentials(self.url)} has no branch, tag or commit id '{name}'"
        raise UnknownRefError(message)

    def _remote(self, arguments: Sequence[str]) -> str:
        return self.git(["ls-remote", *arguments]).decode(errors="replace")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.path / "fetch.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            clear_locks(self.path, ours="fetch.lock")
            yield


@dataclass(frozen=True, slots=True)
class GitFetcher:
    """Reads files of one commit from a mirror; a `FileFetcher`."""

    mirror: Mirror
    sha: str

    def read(self, path: str) -> bytes | None:
        """Read a file; None when the commit has no regular file there.

        Raises:
            SourceError: the commit has it, but it cannot be fetched.
        """
        name = f"{self.sha}:{path}"
        command = ["git", "-C", str(self.mirror.path), "cat-file", "blob", name]
        done = _run(command, self.mirror.environment)
        if done.returncode == 0:
            return done.stdout
        listed = _run(["git", "-C", str(self.mirror.path), "ls-tree", "-z", self.sha, "--", path])
        return self.mirror.git(["cat-file", "blob", name]) if b" blob " in listed.stdout else None

    def paths(self) -> Sequence[str]:
        """List every file of the commit."""
        command = ["-C", str(self.mirror.path), "ls-tree", "-r", "-z", "--name-only", self.sha]
        listing = _git(command, what="list files")
        return [name.decode(errors="surrogateescape") for name in listing.split(b"\0") if name]

    def blobs(self) -> Mapping[str, str]:
        """Give the object ids of every file of the commit, by path, without fetching the files."""
        command = ["-C", str(self.mirror.path), "ls-tree", "-r", "-z", self.sha]
        entries = _git(command, what="list files").decode(errors="surrogateescape").split("\0")
        pairs = (entry.split("\t", 1) for entry in entries if " blob " in entry.partition("\t")[0])
        return {path: said.split(" ")[2] for said, path in pairs}

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
    if ref.name == "HEAD" or ref.name.startswith("refs/"):
        return ref.name
    return f"refs/{'tags' if ref.kind == RefKind.TAG else 'heads'}/{ref.name}"


def _parse_refs(listing: str) -> list[tuple[str, str]]:
    pairs = (line.split("\t", 1) for line in listing.splitlines() if "\t" in line)
    return [(name, sha) for sha, name in pairs]


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment, with git kept from asking and from doubting owners.

    Git reads what others have written: Airflow's connections and keys are none of its business.
    """
    settings = configuration({"safe.directory": "*"}, extra)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **settings}


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

"""Git repositories as a source: a bare mirror on disk, fetched on demand, read without a checkout.

A mirror may have been made by another user than the one who reads it (sync and workers), so its
owner does not matter; the owner of a local repository does, see `git_command.py`.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from gitlab_ci_provider.exceptions import SourceError, UnknownRefError
from gitlab_ci_provider.model.git_login import (
    GitLogin,
    configuration,
    login_environment,
    split_login,
)
from gitlab_ci_provider.model.project import Commit, Ref, is_commit_id
from gitlab_ci_provider.model.quoted import hide_credentials
from gitlab_ci_provider.sources.git_command import (
    NOTHING,
    by_ssh,
    clear_locks,
    run_git,
    without_filters,
)
from gitlab_ci_provider.sources.git_command import git as _git
from gitlab_ci_provider.sources.ref_names import full_name, hint, meanings, named

MAX_PATH = 4096
"""Characters of a path; no system has longer ones."""

_NO_COMMIT = re.compile(r"not our ref|couldn't find remote ref")


@dataclass(frozen=True, slots=True)
class Mirror:
    """A bare repository that follows one URL."""

    path: Path
    url: str
    login: GitLogin | None = None

    @classmethod
    def open(cls, folder: Path, url: str, login: GitLogin | None = None) -> Self:
        """Make or find the mirror of a URL below a folder.

        User and password in the URL are used to log in; the mirror does not contain them.
        """
        url, named = split_login(url)
        name = hashlib.sha256(url.encode()).hexdigest()[:16]
        path = folder / f"{name}.git"
        if not (path / "HEAD").exists():
            path.mkdir(parents=True, exist_ok=True)
            _git(["init", "--quiet", "--bare", "--template=", str(path)], what="make a mirror")
        return cls(path, url, named or login)

    @property
    def environment(self) -> Mapping[str, str]:
        """Settings for git: where `origin` is, and how to log in there."""
        login = login_environment(self.url, self.login)
        extra = {**login, **self.offline(login)}
        if urlsplit(self.url).scheme not in {"file", "http", "https"}:
            extra |= by_ssh(self.path, extra)
        return configuration({"remote.origin.url": self.url}, extra)

    def offline(self, known: Mapping[str, str] = NOTHING) -> Mapping[str, str]:
        """Settings for git without fetching: this folder is ours, whatever its owner."""
        return configuration({"safe.directory": str(self.path.resolve())}, known)

    def project_branch(self, head: str) -> str:
        """Return which branch is CI_DEFAULT_BRANCH: the repository's HEAD, as a rule.

        In a working copy that was cloned, that is its origin's default branch, not the branch that
        happens to be checked out: jobs that deploy the one must not run for the other.
        """
        if not self.url.startswith("file:"):
            return head
        answer = self._remote(["--symref", "origin", "refs/remotes/origin/HEAD"])
        found = re.search(r"^ref: refs/remotes/origin/(\S+)\t", answer, re.MULTILINE)
        return found[1] if found else head

    def default_branch(self) -> str:
        """Read the branch of the repository's HEAD: the default one, or what is checked out.

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
        """Fetch one commit of a branch, tag or commit id, and return its ref.

        Args:
            name: of a branch or tag, a full ref (`refs/...`) or a full commit id.
            sha: an earlier commit of that ref to fetch instead of its newest.

        Raises:
            SourceError: the repository cannot be reached, or has no such ref or commit.
        """
        ref = self._resolve(name, sha)
        if self.has(ref.sha):
            return ref
        try:
            if ref.sha == sha and not is_commit_id(name):
                self._bring_earlier(ref)
            else:
                self.bring([ref.sha if is_commit_id(name) else full_name(ref)], depth=1)
        except SourceError as problem:
            if _NO_COMMIT.search(str(problem)):
                url = hide_credentials(self.url)
                raise UnknownRefError(f"{url} has no commit {ref.sha}") from problem
            raise
        return ref

    def fetch_listed(self, full: str, sha: str) -> Ref:
        """Fetch a ref that was just listed, without asking for its commit again.

        Args:
            full: its full name.
            sha: its commit; when the ref has moved since, it is asked for all the same.

        Raises:
            SourceError: as `fetch`.
        """
        if not self.has(sha):
            self.bring([full], depth=1)
        return replace(meanings(full)[full], sha=sha) if self.has(sha) else self.fetch(full)

    def bring(self, sources: Sequence[str], *, depth: int | None = None) -> None:
        """Fetch refs or commit ids: commits and folders, and files only when they are read.

        One process at a time: git refuses concurrent changes of a shallow repository's boundary.

        Args:
            sources: full names or commit ids.
            depth: how many commits of each; None fetches the whole history.
        """
        with self._alone():
            how = ["--unshallow"] if depth is None else ["--depth", str(depth)]
            if depth is None and not (self.path / "shallow").exists():
                how = []  # another process may have just fetched the whole history
            filtered = ["fetch", "--quiet", "--no-tags", "--filter=blob:none", *how]
            self.git([*filtered, "origin", *sources])

    def has(self, sha: str) -> bool:
        """Return whether the mirror has a commit."""
        command = ["-C", str(self.path), "cat-file", "-e", f"{sha}^{{commit}}"]
        return run_git(command, self.offline()).returncode == 0

    def tag_message(self, name: str) -> str:
        """Read the message of an annotated tag; empty for a lightweight one."""
        full = f"refs/tags/{name}"
        shas = dict(_parse_refs(self._remote(["origin", full, f"{full}^{{}}"])))
        if f"{full}^{{}}" not in shas:
            return ""
        self.bring([full], depth=1)
        said = self.git(["cat-file", "tag", shas[full]]).decode(errors="replace")
        return said.partition("\n\n")[2].strip()

    def listing(self, patterns: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Ask once for the branch of the repository's HEAD, and the commits of refs.

        Args:
            patterns: full names of refs, with `*`.

        Returns:
            The full name of that branch, empty without any commit; commits by full name.

        Raises:
            SourceError: it cannot be reached.
        """
        answer = self._remote(["--symref", "origin", "HEAD", *patterns])
        head = re.search(r"^ref: (refs/heads/\S+)\tHEAD$", answer, re.MULTILINE)
        listed = dict(_parse_refs(answer))
        tip = listed.pop("HEAD", "")
        shas = {name: sha for name, sha in listed.items() if not name.startswith("ref: ")}
        peeled = {name: shas.get(f"{name}^{{}}", sha) for name, sha in shas.items()}
        found = {name: sha for name, sha in peeled.items() if not name.endswith("^{}")}
        return (head[1], {head[1]: tip, **found}) if head and tip else ("", found)

    def ref_names(self) -> frozenset[str]:
        """List the short names of the repository's branches and tags."""
        listing = self._remote(["--heads", "--tags", "origin"])
        names = (name.split("/", 2)[2] for name, _ in _parse_refs(listing))
        return frozenset(name.removesuffix("^{}") for name in names)

    def git(self, arguments: Sequence[str]) -> bytes:
        """Run git in the mirror and return its output; missing files are fetched.

        Raises:
            SourceError: git failed; the message has git's words without credentials.
        """
        what = f"read {hide_credentials(self.url)}"
        return _git(["-C", str(self.path), *arguments], what=what, extra=self.environment)

    def _bring_earlier(self, ref: Ref) -> None:
        """Fetch a commit by its id; some servers only send it with the history of its ref."""
        try:
            self.bring([ref.sha], depth=1)
        except SourceError:
            self.bring([full_name(ref)])
            if not self.has(ref.sha):
                raise

    def tip(self, ref: Ref) -> str:
        """Return which commit a branch or tag of the repository is at; empty when it is neither.

        Other names of commits (`HEAD`, `refs/merge-requests/1/head`, ids) are not its refs.
        """
        if ref.name == "HEAD" or ref.name.startswith("refs/"):
            return ""
        full = full_name(ref)
        shas = dict(_parse_refs(self._remote(["origin", full, f"{full}^{{}}"])))
        return shas.get(f"{full}^{{}}") or shas.get(full, "")

    def _resolve(self, name: str, sha: str) -> Ref:
        asked = meanings(name)
        patterns = [pattern for full in asked for pattern in (full, f"{full}^{{}}")]
        shas = dict(_parse_refs(self._remote(["origin", *patterns])))
        for full, meant in asked.items():
            tip = shas.get(f"{full}^{{}}") or shas.get(full)
            if tip:
                return replace(meant, sha=sha or tip)
        if is_commit_id(name) or sha:
            return Ref(name=name, sha=sha or name)
        url = hide_credentials(self.url)
        raise UnknownRefError(f"{url} has no {named(name)}{hint(name, self.ref_names())}")

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

        Of one that is too large for a pipeline, only as much as shows that is read.

        Raises:
            SourceError: the commit has it, but it cannot be fetched.
        """
        from gitlab_ci_provider.config.documents import MAX_BYTES  # DAG files need no YAML

        name = f"{self.sha}:{path}"
        if "\0" in path or len(path) > MAX_PATH:
            return None
        here = ["-C", str(self.mirror.path)]
        reading = [*here, "cat-file", "blob", name]
        done = run_git(reading, self.mirror.environment, most=MAX_BYTES + 1)
        if done.returncode == 0:
            return done.stdout
        asked = ["--literal-pathspecs", *here, "ls-tree", "-z", self.sha, "--", path]
        listed = run_git(asked, self.mirror.offline())
        return self.mirror.git(["cat-file", "blob", name]) if b" blob " in listed.stdout else None

    def paths(self) -> Sequence[str]:
        """List every file of the commit."""
        command = ["-C", str(self.mirror.path), "ls-tree", "-r", "-z", "--name-only", self.sha]
        listing = _git(command, what="list files", extra=self.mirror.offline())
        return [name.decode(errors="surrogateescape") for name in listing.split(b"\0") if name]

    def blobs(self) -> Mapping[str, str]:
        """Return the object ID of every file of the commit, by path, without fetching the files."""
        command = ["-C", str(self.mirror.path), "ls-tree", "-r", "-z", self.sha]
        entries = _git(command, what="list files").decode(errors="surrogateescape").split("\0")
        pairs = (entry.split("\t", 1) for entry in entries if " blob " in entry.partition("\t")[0])
        return {path: said.split(" ")[2] for said, path in pairs}

    def commit(self) -> Commit:
        """Return the commit's own data, without its predecessor and tags."""
        form = "--format=format:%an <%ae>%x00%cI%x00%B"
        command = ["-C", str(self.mirror.path), "show", "--no-patch", form, self.sha]
        here = self.mirror.offline()
        said = _git(command, what="read a commit", extra=here).decode(errors="replace")
        author, timestamp, message = said.split("\0", 2)
        return Commit(author=author, timestamp=timestamp, message=message)


def uncommitted_changes(folder: Path) -> int:
    """Count the files of a working copy that differ from its commit; 0 where there is none."""
    asked = ["-C", str(folder), "status", "--porcelain", "--ignore-submodules=dirty"]
    done = run_git(asked, without_filters(folder))
    return len(done.stdout.splitlines()) if done.returncode == 0 else 0


def _parse_refs(listing: str) -> list[tuple[str, str]]:
    pairs = (line.split("\t", 1) for line in listing.splitlines() if "\t" in line)
    return [(name, sha) for sha, name in pairs]

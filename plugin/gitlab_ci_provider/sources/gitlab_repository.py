"""A repository that is read by GitLab's API, where machines or tokens may not use git.

Nothing is guessed: GitLab says when it has cut a comparison of two commits, and then the lists of
their files are compared. A file is missing only where its commit can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from gitlab_ci_provider.exceptions import GitlabApiError, SourceError, UnknownRefError
from gitlab_ci_provider.gitlab_api.server import GitLabServer, path_on
from gitlab_ci_provider.model.project import Commit, Ref, is_commit_id
from gitlab_ci_provider.sources.ref_names import (
    HEADS,
    TAGS,
    full_name,
    hint,
    meanings,
    named,
)

if TYPE_CHECKING:
    import gitlab
    from gitlab.v4.objects import Project, ProjectCommit

_REQUESTS = "refs/merge-requests/"
_MOST_COMMITS = 10_000
"""Of a branch, that are looked at to find one: a hundred with each request."""
Answer = TypeVar("Answer")


class _AbsentError(SourceError):
    """The server has no such thing."""


@dataclass(frozen=True)
class GitlabRepository:
    """A `Repository`.

    Attributes:
        url: its clone URL, below the server's address.
    """

    server: GitLabServer
    url: str
    _commits: dict[str, ProjectCommit] = field(default_factory=dict)

    def default_branch(self) -> str:
        """Name the default branch.

        Raises:
            SourceError: there is no commit yet, or the project cannot be read.
        """
        if not self._default:
            raise SourceError(f"{self.url} has no commits yet")
        return self._default

    def project_branch(self, head: str) -> str:
        """Return the default branch."""
        return head

    def listing(self, patterns: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Return the full name of the default branch, and the commits of refs."""
        if not self._default:
            return "", {}
        found: dict[str, str] = {}
        for pattern in patterns:
            found |= self._listed(pattern.removesuffix("*"))
        branch = f"{HEADS}{self._default}"
        tip = found.get(branch) or self._tip(branch)
        if not tip:
            raise SourceError(f"{self.url} has no branch '{self._default}', its default one (404)")
        return branch, {branch: tip, **found}

    def ref_names(self) -> frozenset[str]:
        """List the short names of branches and tags."""
        return frozenset(
            full.removeprefix(kind) for kind in (HEADS, TAGS) for full in self._listed(kind)
        )

    def fetch(self, name: str, sha: str = "") -> Ref:
        """Find a branch, tag or commit.

        Raises:
            UnknownRefError: there is no such ref or commit.
        """
        for full, meant in meanings(name).items():
            tip = self._tip(full)
            if tip:
                return replace(meant, sha=self.commit(sha).id if sha else tip)
        if is_commit_id(name) or sha:
            return Ref(name=name, sha=self.commit(sha or name).id)
        self._attributes  # noqa: B018 - a project that is gone has no refs either
        raise UnknownRefError(f"{self.url} has no {named(name)}{self._hint(name)}")

    def fetch_listed(self, full: str, sha: str) -> Ref:
        """Find a ref that was just listed; when its commit is gone, it is asked for again."""
        return replace(meanings(full)[full], sha=sha) if self.is_there(sha) else self.fetch(full)

    def tip(self, ref: Ref) -> str:
        """Return which commit a branch or tag is at; empty when it is neither."""
        full = full_name(ref)
        return self._tip(full) if full.startswith((HEADS, TAGS)) else ""

    def tag_message(self, name: str) -> str:
        """Read the message of an annotated tag."""
        tag = self._ask(f"read the tag {name}", lambda: self._project.tags.get(name))
        return str(tag.message or "").strip() if tag else ""

    def at(self, sha: str) -> GitlabCommit:
        """Return the files of a commit."""
        return GitlabCommit(self, sha)

    def is_there(self, sha: str) -> bool:
        """Return whether a commit can be read."""
        try:
            return bool(self.commit(sha))
        except UnknownRefError:
            return False

    def commit(self, sha: str) -> ProjectCommit:
        """Read a commit.

        Raises:
            UnknownRefError: there is no such commit.
        """
        if sha not in self._commits:
            found = self._ask(f"read commit {sha}", lambda: self._project.commits.get(sha))
            if found is None:
                self._attributes  # noqa: B018 - as above
                raise UnknownRefError(f"{self.url} has no commit {sha}")
            self._commits[sha] = found
        return self._commits[sha]

    def changed_between(self, before: str, after: str) -> frozenset[str]:
        """List the files that differ between two commits, a renamed one with both names."""
        return self._changed(before, after, ("old_path", "new_path"))

    def changed_since(self, base: str, head: str) -> frozenset[str]:
        """List the files that changed since the merge base of two commits."""
        parted = self.merge_base(base, head)
        return self._changed(parted, head, ("new_path",)) if parted else frozenset()

    def merge_base(self, first: str, other: str) -> str | None:
        """Find the merge base of two commits."""
        found = self._ask(
            "find a merge base", lambda: self._project.repository_merge_base([first, other])
        )
        return str(found["id"]) if isinstance(found, Mapping) else None

    def last_commit(self, sha: str, path: str) -> str | None:
        """Find the commit that changed a path last."""
        asked = {
            "ref_name": sha,
            "path": path,
            "per_page": 1,
        }  # `path=` is the address to this client
        commits = self._project.commits
        listed = self._certain(
            f"list the commits of {path}",
            lambda: commits.list(query_parameters=asked, get_all=False),
        )
        return str(listed[0].id) if listed else None

    def led_to(self, sha: str, tip: str) -> bool:
        """Return whether a branch was once at a commit, among its newest ten thousand."""

        def found() -> bool:
            listed = self._project.commits.list(ref_name=tip, first_parent=True, iterator=True)
            return any(one.id == sha for one in islice(listed, _MOST_COMMITS))

        return self._certain("list the commits of a branch", found)

    def ask_file(self, sha: str, path: str) -> bytes | None:
        """Read a file of a commit; None when it is not there."""
        raw = self._project.files.raw
        found = self._ask(f"read {path}", lambda: bytes(raw(file_path=path, ref=sha)))
        if found is None:
            self.commit(sha)
        return found

    def tree(self, sha: str) -> dict[str, tuple[str, str, str]]:
        """List the files of a commit: type, mode and object ID by path."""

        def read() -> dict[str, tuple[str, str, str]]:
            listed = self._project.repository_tree(
                ref=sha, recursive=True, iterator=True, per_page=100, pagination="keyset"
            )
            return {
                entry["path"]: (entry["type"], entry["mode"], entry["id"])
                for entry in listed
                if entry["type"] != "tree"
            }

        return self._certain("list the files of a commit", read)

    def _hint(self, name: str) -> str:
        """Suggest what was meant, of the newest hundred tags or, for all other names, branches."""
        project = self._project

        def found() -> list[str]:
            if name.startswith(TAGS):
                return [one.name for one in project.tags.list(per_page=100, get_all=False)]
            listed = project.branches.list(sort="updated_desc", per_page=100, get_all=False)
            return [one.name for one in listed]

        try:
            return hint(name, self._certain("list refs", found))
        except SourceError:  # that there is no such ref is certain
            return ""

    def _changed(self, before: str, after: str, names: Sequence[str]) -> frozenset[str]:
        compared = self._certain(
            "compare two commits",
            lambda: self._project.repository_compare(before, after, straight=True),
        )
        if not isinstance(compared, Mapping) or compared["compare_timeout"]:
            old, new = self.tree(before), self.tree(after)
            return frozenset(path for path in {*old, *new} if old.get(path) != new.get(path))
        return frozenset(str(diff[name]) for diff in compared["diffs"] for name in names)

    def _listed(self, prefix: str) -> dict[str, str]:
        """List refs of a kind with their commits."""
        project = self._project
        kinds: dict[str, Callable[[], dict[str, Any]]] = {
            HEADS: lambda: {one.name: one.commit for one in project.branches.list(iterator=True)},
            TAGS: lambda: {one.name: one.commit for one in project.tags.list(iterator=True)},
            _REQUESTS: lambda: {
                f"{one.iid}/head": {"id": one.sha}
                for one in project.mergerequests.list(iterator=True, state="opened")
            },
        }
        found = self._certain(f"list {prefix}*", kinds[prefix])
        return {f"{prefix}{name}": str(one["id"]) for name, one in found.items() if one}

    def _tip(self, full: str) -> str:
        """Return the commit of a ref by its full name; empty when there is none."""
        if full == "HEAD":
            return self._tip(f"{HEADS}{self.default_branch()}")
        project, kind = self._project, next(filter(full.startswith, (HEADS, TAGS, _REQUESTS)), "")
        name = full.removeprefix(kind)
        kinds: dict[str, Callable[[], Any]] = {
            HEADS: lambda: project.branches.get(name).commit,
            TAGS: lambda: project.tags.get(name).commit,
            _REQUESTS: lambda: {"id": project.mergerequests.get(name.removesuffix("/head")).sha},
        }
        found = self._ask(f"read {full}", kinds[kind]) if kind else None
        return str(found["id"]) if found else ""

    @property
    def _default(self) -> str:
        """Name the default branch; empty without commits, where GitLab names the one to come."""
        known = self._attributes
        return "" if known.get("empty_repo") else str(known.get("default_branch") or "")

    @cached_property
    def _attributes(self) -> Mapping[str, Any]:
        read = self._client.projects.get
        return dict(self._certain("read the project", lambda: read(self._path)).attributes)

    @cached_property
    def _project(self) -> Project:
        return self._client.projects.get(self._path, lazy=True)

    @property
    def _path(self) -> str:
        return path_on(self.server, self.url)

    @cached_property
    def _client(self) -> gitlab.Gitlab:
        from gitlab_ci_provider.gitlab_api.client import open_gitlab

        return open_gitlab(self.server)

    def _ask(self, doing: str, ask: Callable[[], Answer]) -> Answer | None:
        """Ask for something; None when it is not there."""
        try:
            return self._certain(doing, ask)
        except _AbsentError:
            return None

    def _certain(self, doing: str, ask: Callable[[], Answer]) -> Answer:
        """Ask for what every project has."""
        from gitlab_ci_provider.gitlab_api.errors import in_words

        try:
            with in_words(self.server, f"{doing} of {self._path}"):
                return ask()
        except GitlabApiError as problem:
            kind = _AbsentError if problem.status == 404 else SourceError
            raise kind(str(problem)) from problem


@dataclass(frozen=True)
class GitlabCommit:
    """The files of a commit; a `CommitFiles`."""

    repository: GitlabRepository
    sha: str

    def read(self, path: str) -> bytes | None:
        """Return a file's contents; None when it is not there.

        Raises:
            SourceError: the commit cannot be read.
        """
        return self.repository.ask_file(self.sha, path)

    def paths(self) -> Sequence[str]:
        """List all files of the commit."""
        return [*self._tree]

    def blobs(self) -> Mapping[str, str]:
        """Return the object ID of every file, by path."""
        return {path: sha for path, (kind, _, sha) in self._tree.items() if kind == "blob"}

    def commit(self) -> Commit:
        """Return the commit's own data."""
        said = self.repository.commit(self.sha)
        when = datetime.fromisoformat(said.committed_date).isoformat(timespec="seconds")
        author = f"{said.author_name} <{said.author_email}>"
        return Commit(author=author, timestamp=when, message=str(said.message))

    @cached_property
    def _tree(self) -> dict[str, tuple[str, str, str]]:
        return self.repository.tree(self.sha)

"""What the stand-in knows: groups, projects, tokens, and what is stored in them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

from servers.repositories import commit, git, make_repository

Kind = Literal["personal", "group", "project", "job", "oauth"]
Things = dict[str, list[dict[str, Any]]]
Found = TypeVar("Found", "Group", "Project")
NOW = "2026-01-02T03:04:05.000Z"


@dataclass
class Token:
    """A token, and what its user may do.

    Attributes:
        levels: access levels by path of group or project; they hold below it, too.
    """

    value: str
    kind: Kind = "personal"
    user: str = "robot"
    scopes: tuple[str, ...] = ("api",)
    levels: dict[str, int] = field(default_factory=dict)
    admin: bool = False
    expires_at: str | None = None
    expired: bool = False
    revoked: bool = False
    id: int = 1


@dataclass
class Group:
    """A group, or the namespace of a person; `things` holds its variables and so on."""

    id: int
    path: str
    visibility: str = "private"
    person: bool = False
    things: Things = field(default_factory=dict)


@dataclass
class Project:
    """A project and its repository.

    Attributes:
        work: a working copy, to commit in; `bare` is what is served.
        lint: the answer of the lint API, when a test wants a certain one.
    """

    id: int
    path: str
    bare: Path
    work: Path
    visibility: str = "private"
    default_branch: str = "main"
    archived: bool = False
    topics: tuple[str, ...] = ()
    protected: tuple[str, ...] = ("main",)
    last_activity_at: str = NOW
    config_path: str = ""
    builds: str = "enabled"
    lint: dict[str, Any] | None = None
    things: Things = field(default_factory=dict)

    def act(self) -> None:
        """Note an activity, as GitLab does: not if the last one was within an hour."""
        now = datetime.now(UTC)
        if now - datetime.fromisoformat(self.last_activity_at) > timedelta(hours=1):
            self.last_activity_at = now.isoformat(timespec="milliseconds")

    def push(self, files: Mapping[str, str], message: str = "change", tag: str = "") -> str:
        """Commit files and push them, with a tag if one is given; return the sha."""
        sha = commit(self.work, files, message)
        if tag:
            git(self.work, "tag", tag)
        git(self.work, "push", "--quiet", "--force", "--tags", str(self.bare), "HEAD")
        self.act()
        return sha

    @property
    def is_empty(self) -> bool:
        """Whether there is no commit."""
        packed = self.bare / "packed-refs"
        return not packed.exists() and not any(self.bare.glob("refs/heads/*"))

    def git(self, *arguments: str) -> bytes | None:
        """Ask the repository; None when git says no."""
        command = ["git", "--git-dir", str(self.bare), *arguments]
        done = subprocess.run(command, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None


@dataclass
class World:
    """The whole instance."""

    root: Path
    tokens: dict[str, Token] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    things: Things = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    version: str = "19.5.0-ee"
    _last: int = 0

    def number(self) -> int:
        """Return a number that was not used before."""
        self._last += 1
        return self._last

    def add_token(self, value: str, **given: Any) -> Token:
        """Make a token."""
        self.tokens[value] = Token(value, id=self.number(), **given)
        return self.tokens[value]

    def add_group(self, path: str, **given: Any) -> Group:
        """Make a group and those above it."""
        parent = path.rpartition("/")[0]
        if parent and parent not in self.groups:
            self.add_group(parent)
        if path not in self.groups:
            self.groups[path] = Group(self.number(), path, **given)
        return self.groups[path]

    def add_project(
        self, path: str, files: Mapping[str, str] | None = None, **given: Any
    ) -> Project:
        """Make a project with one commit, or an empty one, and its groups."""
        self.add_group(path.rpartition("/")[0])
        bare, work = self.root / "served" / f"{path}.git", self.root / "work" / path
        bare.mkdir(parents=True)
        git(bare, "init", "--quiet", "--bare", "--initial-branch", "main")
        git(bare, "config", "http.receivepack", "true")
        git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
        git(bare, "config", "uploadpack.allowFilter", "true")
        made = self.projects[path] = Project(self.number(), path, bare, work, **given)
        if files is not None:
            make_repository(work, files)
            made.push({})
            made.last_activity_at = given.get("last_activity_at", NOW)
        return made

    def move(self, path: str, to: str) -> None:
        """Rename or transfer a project; its number stays."""
        self.add_group(to.rpartition("/")[0])
        moved = self.projects.pop(path)
        bare = self.root / "served" / f"{to}.git"
        bare.parent.mkdir(parents=True, exist_ok=True)
        moved.bare.rename(bare)
        moved.path, moved.bare = to, bare
        self.projects[to] = moved

    def find_project(self, name: str) -> Project | None:
        """Find a project by number or path."""
        return _find(self.projects, name)

    def find_group(self, name: str) -> Group | None:
        """Find a group by number or path."""
        found = _find(self.groups, name)
        return None if found and found.person else found

    def level(self, token: Token | None, path: str) -> int:
        """Return the access level that a caller has in a group or project."""
        if token is None:
            return 0
        above = (given for at, given in token.levels.items() if f"{path}/".startswith(f"{at}/"))
        return 50 if token.admin else max(above, default=0)

    def sees(self, token: Token | None, thing: Project | Group) -> bool:
        """Return whether a caller may know of a group or project."""
        if thing.visibility == "public" or (thing.visibility == "internal" and token is not None):
            return True
        if isinstance(thing, Group):
            found = [thing.path, *(group.path for group in self.groups_below(thing.path))]
            found += [project.path for project in self.projects_below(thing.path)]
            return any(self.level(token, path) for path in found)
        return self.level(token, thing.path) > 0

    def groups_below(self, path: str) -> Iterator[Group]:
        """List a group's subgroups, at any depth."""
        yield from (group for group in self.groups.values() if group.path.startswith(f"{path}/"))

    def projects_below(self, path: str) -> Iterator[Project]:
        """List a group's projects, at any depth."""
        yield from (found for found in self.projects.values() if found.path.startswith(f"{path}/"))


def _find(known: Mapping[str, Found], name: str) -> Found | None:
    if name.isdigit():
        return next((thing for thing in known.values() if thing.id == int(name)), None)
    return known.get(name)

"""What is built: a project and one of its refs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

CONFIG_PATH = ".gitlab-ci.yml"
"""The configuration file of a project that names no other."""


_PATH = re.compile(
    r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_.][\w.-]*(?:/[A-Za-z0-9_.][\w.-]*)+", re.ASCII
)


_COMMIT_ID = re.compile(r"[0-9a-f]{40}")


def is_commit_id(text: str) -> bool:
    """Return whether a text is the full ID of a commit."""
    return _COMMIT_ID.fullmatch(text) is not None


def is_project_path(text: str) -> bool:
    """Return whether a text can be the path of a project on a GitLab."""
    return len(text) <= 1024 and not text.endswith(".git") and bool(_PATH.fullmatch(text))


class RefKind(StrEnum):
    """What kind of name a ref is."""

    BRANCH = "branch"
    TAG = "tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A repository with a pipeline.

    Attributes:
        path: full path with namespace, for example `group/project`.
        clone_url: where pods fetch it from; never holds credentials.
        id: GitLab's number; 0 for a plain git repository.
        gitlab_conn_id: the Airflow connection with which it was found; empty for a git URL.
    """

    path: str
    clone_url: str
    default_branch: str = "main"
    web_url: str = ""
    id: int = 0
    gitlab_conn_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A branch or tag and the commit that it names."""

    name: str
    sha: str
    kind: RefKind = RefKind.BRANCH
    protected: bool = False

    @property
    def unmistakable(self) -> str:
        """The unambiguous name of this ref: a tag's short name may be that of a branch, too."""
        return f"refs/tags/{self.name}" if self.kind is RefKind.TAG else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What a commit says about itself; empty texts when it is not known.

    Attributes:
        author: `Name <email>`.
        timestamp: ISO 8601.
        before_sha: the ref's commit before the push; empty means a new ref.
        tag_message: of an annotated tag, when the ref is one.
    """

    message: str = ""
    author: str = ""
    timestamp: str = ""
    before_sha: str = ""
    tag_message: str = ""

"""Caches, artifacts and services of a task, as values: `GitlabJobPodOperator` takes them.

They are not frozen, because Airflow renders the templates in them in place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Policy = Literal["pull-push", "pull", "push"]
When = Literal["on_success", "on_failure", "always"]


@dataclass(kw_only=True)
class TaskCache:
    """A cache, with the names that `cache:` has in `.gitlab-ci.yml`.

    Attributes:
        key: of the cache.
        paths: patterns, relative to the working copy.
        fallback_keys: tried in turn when there is none of that key.
        policy: `pull` only restores it, `push` only saves it.
        when: after which end of the script it is saved.
    """

    template_fields: ClassVar[Sequence[str]] = ("key", "paths", "fallback_keys", "policy", "when")

    paths: Sequence[str]
    key: str = "default"
    fallback_keys: Sequence[str] = ()
    policy: Policy = "pull-push"
    when: When = "on_success"


@dataclass(kw_only=True)
class TaskArtifacts:
    """What the task leaves, with the names that `artifacts:` has in `.gitlab-ci.yml`.

    Attributes:
        paths: patterns, relative to the working copy.
        exclude: patterns of what is left out.
        name: of the archive, for people.
        expire_in: seconds, or words such as `1 week`; None means `[gitlab_ci] artifacts_expire_in`.
        when: after which end of the script they are kept.
        reports: by kind, patterns of files; `dotenv` gives variables to later tasks.
    """

    template_fields: ClassVar[Sequence[str]] = (
        *("paths", "exclude", "name", "expire_in", "when", "reports"),
    )

    paths: Sequence[str] = ()
    exclude: Sequence[str] = ()
    name: str = ""
    expire_in: str | int | None = None
    when: When = "on_success"
    reports: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class TaskService:
    """A container next to the task, with the names that `services:` has in `.gitlab-ci.yml`.

    Attributes:
        name: its image.
        alias: host names, separated by commas; empty means those made from the image's name.
        entrypoint, command: in place of the image's own.
        variables: for this service only.
        pull_policy: `always`, `if-not-present` or `never`.
    """

    template_fields: ClassVar[Sequence[str]] = (
        *("name", "alias", "entrypoint", "command", "variables", "pull_policy"),
    )

    name: str
    alias: str = ""
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    pull_policy: str = ""


_UNSAID: tuple[object, ...] = (None, "", (), [], {})

Part = TaskCache | TaskArtifacts | TaskService | Mapping[str, Any] | str


def as_keyword(part: Part) -> Any:
    """Spell a part as `.gitlab-ci.yml` does, without what it does not say."""
    if isinstance(part, str):
        return part
    given = part if isinstance(part, Mapping) else vars(part)
    return {name: _plain(value) for name, value in given.items() if value not in _UNSAID}


def _plain(value: Any) -> Any:
    """Return plain data: GitLab knows no tuples, and times in words only."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value

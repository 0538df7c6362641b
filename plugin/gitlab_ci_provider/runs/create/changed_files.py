"""What git knows of a run's commit, for `rules:changes`, `rules:exists` and CI_COMMIT_BEFORE_SHA.

Everything is looked up only when a rule needs it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace

from gitlab_ci_provider.exceptions import UnknownRefError
from gitlab_ci_provider.hooks.repositories import repository_of
from gitlab_ci_provider.model.context import MergeRequest
from gitlab_ci_provider.model.project import Project, Ref, RefKind
from gitlab_ci_provider.records.register import Register
from gitlab_ci_provider.runs.form import RunForm
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.sources.lookups import LazyPaths, LookedUp
from gitlab_ci_provider.sources.neighbours import neighbour_url
from gitlab_ci_provider.sources.repository import CommitFiles, Repository

log = logging.getLogger(__name__)


def before_sha(form: RunForm, project: Project, ref: Ref, register: Register) -> str:
    """Find the ref's commit before the push; empty for a new ref and for all but pushes.

    A push that is reported names it. Otherwise it is the commit of the ref's latest pipeline that
    had another commit. Source: GitLab's `Gitlab::Git::Push`.
    """
    if form.source == "parent_pipeline" or (form.source == "push" and form.before_sha):
        return form.before_sha
    if form.source != "push":
        return ""
    known = register.latest(project.path, ref, accept=lambda entry: entry.ref.sha != ref.sha)
    return known.ref.sha if known else ""


def with_base(
    repository: Repository, request: MergeRequest | None, ref: Ref
) -> MergeRequest | None:
    """Find the merge base of a merge request and its target, unless it was given."""
    if request is None or request.diff_base_sha:
        return request
    base = repository.merge_base(repository.fetch(request.target_branch).sha, ref.sha)
    return replace(request, diff_base_sha=base or "")


def changed_paths(
    repository: Repository, request: MergeRequest | None, ref: Ref, before: str
) -> Collection[str] | None:
    """Return the changed files of the push or merge request; None where GitLab compares nothing.

    GitLab compares nothing for tags, new branches, schedules and everything that people start:
    `changes` is then true. Source: GitLab's `Ci::Pipeline#changed_paths`.
    """
    if request is not None:
        base = request.diff_base_sha
        return LazyPaths(lambda: repository.changed_between(base, ref.sha) if base else frozenset())
    if not before or ref.kind is not RefKind.BRANCH:
        return None
    if not repository.is_there(before):
        log.warning("every file counts as changed: commit %s is not there", before)
        return None
    return LazyPaths(lambda: repository.changed_between(before, ref.sha))


def tree_paths(files: CommitFiles) -> Collection[str]:
    """Return the files at the commit."""
    return LazyPaths(lambda: frozenset(files.paths()))


def compared(repository: Repository, ref: Ref) -> Mapping[str, Collection[str] | None]:
    """Return, by another ref, the files that changed since the merge base."""

    def find(other: str) -> frozenset[str] | None:
        try:
            return repository.changed_since(repository.fetch(other).sha, ref.sha)
        except UnknownRefError:
            return None

    return LookedUp(find)


def other_trees(settings: Settings, project: Project) -> Mapping[str, Collection[str] | None]:
    """Return, by `project@ref`, the files of another project on the same server."""

    def find(place: str) -> Collection[str] | None:
        path, _, ref = place.rpartition("@")
        try:
            repository = repository_of(neighbour_url(path, project), settings, project)
            found = repository.fetch(ref or repository.default_branch())
        except UnknownRefError:
            return None
        return frozenset(repository.at(found.sha).paths())

    return LookedUp(find)

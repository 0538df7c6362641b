"""One project of a DAG bundle: which of its refs have other commits than those compiled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from gitlab_ci_provider.discovery.schedules import renew_schedules
from gitlab_ci_provider.discovery.sync import Sync, SyncResult, failed, unreadable
from gitlab_ci_provider.exceptions import GitlabCiError, SourceError
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.found_project import FoundProject
from gitlab_ci_provider.model.gitlab_bundle import (
    DEFAULT,
    MERGE_REQUESTS,
    PROTECTED,
    TAGS,
    GitlabBundle,
)
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.project import CONFIG_PATH, Ref
from gitlab_ci_provider.records.discovered import Discovered, KnownProject

_HEADS, _TAGS, _MERGE_REQUESTS = "refs/heads/", "refs/tags/", "refs/merge-requests/"

_PASSING = frozenset({"source-unreadable", "file-unreadable", "include-unreadable"})
"""What may be better at the next look, although no commit has changed."""

_MOST_REFS = 100
"""That are synced in one look: the others follow in the next ones, and nothing waits for all."""

_HOT = 2 * 3600.0
"""Seconds after an activity for which another one need not show."""


class Details(Protocol):
    """What only an API knows of a project; raises `GitlabApiError`."""

    def protected_branches(self, project: FoundProject) -> list[str]:
        """List the names of protected branches."""
        ...

    def merge_requests(self, project: FoundProject) -> list[int]:
        """List the numbers of open merge requests."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at a project has found.

    Attributes:
        known: to compare with next time.
        results: of the refs that have changed, the default branch first.
    """

    known: KnownProject
    results: tuple[SyncResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSync:
    """Syncs single projects of a bundle.

    Attributes:
        details: None where there is no API.
    """

    bundle: GitlabBundle
    sync: Sync
    details: Details | None = None

    @property
    def discovered(self) -> Discovered:
        """What the bundles of this installation have found."""
        return self.sync.state.discovered

    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        return self.sync.state.snapshots.clock()

    def asked(self, project: FoundProject) -> str:
        """Say what is looked for in a project; when that changes, it is looked at again."""
        return ",".join((self._config_path(project), project.default_branch, *self.bundle.refs))

    def look(self, project: FoundProject, known: KnownProject | None) -> Look:
        """Sync the refs of a project that have changed since the last look.

        What is wrong with the project is in the results, and is shown with its DAG where that can
        be stored.

        Raises:
            StateAwayError: the state does not answer.
        """
        try:
            return self._look(project, known)
        except Exception as problem:  # noqa: BLE001 - the other projects go on
            result = failed(project.clone_url, problem)
            return Look(known=known or self._before(project, None), results=(result,))

    def _look(self, project: FoundProject, known: KnownProject | None) -> Look:
        before = self._before(project, known)
        try:
            branch, refs = self._refs(project)
        except (GitlabCiError, OSError) as problem:
            failed = self._kept(project, unreadable(project.clone_url, str(problem)))
            # Without refs, so that the next look replaces what is shown now.
            unread = replace(before, dag_id=_owner(failed, before), refs={})
            return Look(known=unread, results=(failed,))
        found = replace(project, default_branch=branch.removeprefix(_HEADS))
        waits = bool(refs) and before.held == refs[branch] and self._is_held(before.dag_id)
        changed = [
            name
            for name, sha in refs.items()
            if before.refs.get(name) != sha and not (waits and name == branch)
        ][:_MOST_REFS]
        synced = {name: self._synced(found, name, refs[name], name == branch) for name in changed}
        waits = waits or (branch in synced and _waits(synced[branch]))
        lasting = {name for name, result in synced.items() if not _passes(result)}
        lasting -= {branch} if waits else set()
        compiled = {
            name: sha
            for name, sha in refs.items()
            if name in lasting or before.refs.get(name) == sha
        }
        owner = _owner(synced[branch], before) if branch in synced else before.dag_id
        settled = compiled == refs and is_settled(project.activity, self.now())
        held = refs[branch] if waits else ""
        after = replace(before, dag_id=owner, settled=settled, refs=compiled, held=held)
        if branch in synced:
            after = replace(after, schedules_at=self.now())
        return Look(known=after, results=tuple(synced.values()))

    def renew_schedules(self, project: FoundProject, known: KnownProject) -> None:
        """Ask GitLab for a project's schedules: no commit and no activity tells of a change.

        Raises:
            GitlabApiError: GitLab refuses or does not answer.
        """
        server = self.sync.gitlab(project.clone_url)
        if server is not None:
            renew_schedules(server, self.sync.state.snapshots, known.dag_id)

    def remove(self, dag: str) -> bool:
        """Remove the DAG of a project with its parts; False while runs hold one of them."""
        return self.sync.state.holds.delete(dag)

    def _before(self, project: FoundProject, known: KnownProject | None) -> KnownProject:
        """Return what still counts of the last look."""
        asked = self.asked(project)
        fresh = KnownProject(path=project.path, activity=project.activity, asked=asked)
        if known is None or known.path != project.path:
            return fresh
        fresh = replace(fresh, schedules_at=known.schedules_at)
        if known.asked != asked:
            return replace(fresh, dag_id=known.dag_id)
        return replace(fresh, dag_id=known.dag_id, refs=known.refs, held=known.held)

    def _is_held(self, dag: str) -> bool:
        return bool(self.sync.state.holds.runs(dag))

    def _synced(self, project: FoundProject, name: str, sha: str, default: bool) -> SyncResult:
        sync = replace(self.sync, config_path=self._config_path(project), optional=True)
        result = sync.known(project.project, name, sha)
        return self._kept(project, result) if default else result

    def _kept(self, project: FoundProject, result: SyncResult) -> SyncResult:
        """Keep with the project's DAG that the project could not be read."""
        if result.record is not None or not result.diagnostics:
            return result
        placed = self.sync.place(project.project)
        record = self.sync.shown(placed) or DagRecord(
            dag_id=dag_id(placed.path),
            project=placed,
            ref=Ref(name=project.default_branch or "HEAD", sha=""),
            config_path=self._config_path(project),
            title=placed.path,
        )
        record = replace(record, diagnostics=result.diagnostics)
        self.sync.state.holds.replace(record)
        return replace(result, record=record)

    def _refs(self, project: FoundProject) -> tuple[str, dict[str, str]]:
        """Ask for the commits of all refs that the bundle shows, the default branch first."""
        if project.problem:
            raise SourceError(project.problem)
        kinds = self.bundle.refs
        heads = PROTECTED in kinds or any(map(_is_pattern, kinds))
        asked = {_HEADS: heads, _TAGS: TAGS in kinds, _MERGE_REQUESTS: MERGE_REQUESTS in kinds}
        repository = self.sync.open(project.clone_url)
        patterns = [f"{name}*" for name, wanted in asked.items() if wanted]
        branch, listed = repository.listing(patterns)
        if not branch:
            return "", {}
        wanted = self._wanted(project, listed)
        return branch, {branch: listed[branch], **{name: listed[name] for name in wanted}}

    def _wanted(self, project: FoundProject, listed: Iterable[str]) -> list[str]:
        kinds, api = self.bundle.refs, self.details
        found = [name for name in listed if name.startswith(_TAGS)]
        protected = api.protected_branches(project) if api and PROTECTED in kinds else ()
        found += [
            name
            for name in listed
            if name.startswith(_HEADS)
            and (
                name.removeprefix(_HEADS) in protected
                or self.bundle.takes_branch(name.removeprefix(_HEADS))
            )
        ]
        if api and MERGE_REQUESTS in kinds:
            heads = [f"{_MERGE_REQUESTS}{number}/head" for number in api.merge_requests(project)]
            found += [name for name in heads if name in set(listed)]
        return sorted(found)

    def _config_path(self, project: FoundProject) -> str:
        return self.bundle.config_path or project.config_path or CONFIG_PATH


def is_settled(activity: str, now: float) -> bool:
    """Return whether each later push will change the activity that the server shows."""
    try:
        at = datetime.fromisoformat(activity).timestamp()
    except ValueError:
        return False
    return now - at > _HOT


def _is_pattern(kind: str) -> bool:
    return kind not in {DEFAULT, PROTECTED, TAGS, MERGE_REQUESTS}


def _waits(result: SyncResult) -> bool:
    """Return whether a run holds the project's DAG, so that another one shows the commit."""
    return result.record is not None and result.record.kind is DagKind.REF


def _passes(result: SyncResult) -> bool:
    return any(found.code in _PASSING for found in result.diagnostics)


def _owner(result: SyncResult, before: KnownProject) -> str:
    """Name the project's DAG after a look at its default branch; empty when it has none."""
    if result.record is not None:
        return dag_id(result.record.project.path)
    return before.dag_id if result.diagnostics else ""

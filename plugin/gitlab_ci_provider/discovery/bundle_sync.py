"""The projects of a DAG bundle: which have changed, and which are gone.

GitLab notes the activity of a project at most once an hour: a push within an hour of the one before
does not show. So a project is looked at in each refresh until its last activity is two hours ago,
and after that only when the activity has changed. A look is one `git ls-remote`. Schedules show in
no activity, so some projects are asked for theirs in each refresh.

A refresh that cannot list the projects changes nothing: no answer is no reason to remove a DAG.
Nor is a group that GitLab does not list, which it may hide from the token: its projects stay as
they are, an import error stands for the group, and the others go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Protocol

from gitlab_ci_provider.discovery.project_sync import Look, ProjectSync
from gitlab_ci_provider.discovery.sync import SyncResult
from gitlab_ci_provider.discovery.turn import turn
from gitlab_ci_provider.exceptions import GitlabApiError
from gitlab_ci_provider.model.found_project import FoundProject
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.records.discovered import BundleProjects, KnownProject

_log = logging.getLogger(__name__)

_AT_ONCE = 4
_NOTED_AFTER = 5.0
"""Seconds after which what was synced is noted, so that its DAGs appear."""

_SCHEDULES_AFTER, _SCHEDULES_AT_ONCE = 300.0, 20
"""Seconds after which a project's schedules are asked for again, and of how many in a refresh."""

_MANY = 10


class Projects(Protocol):
    """Where the projects of a bundle are found; raises `GitlabApiError`."""

    def all(self) -> dict[str, FoundProject]:
        """Find all projects of the bundle, by key."""
        ...

    def one(self, name: str | int) -> FoundProject | None:
        """Find one by its path, number or key; None when the bundle does not have it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh has done.

    Attributes:
        found: how many projects there are.
        results: of those that have changed, good or not.
        removed: DAGs.
        kept: how many projects are gone all at once, and were kept because of that.
        elsewhere: paths of projects that another bundle shows, which has them first.
    """

    found: int = 0
    looked: int = 0
    results: tuple[SyncResult, ...] = ()
    removed: tuple[str, ...] = ()
    kept: int = 0
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleSync:
    """Syncs the projects of a bundle.

    Attributes:
        name: of the bundle.
        server: finds them.
        projects: syncs one.
        before: the bundles that come first in Airflow's configuration. A DAG that one of them shows
            is theirs: Airflow takes a DAG from one bundle only.
    """

    name: str
    server: Projects
    projects: ProjectSync
    before: tuple[str, ...] = ()

    def refresh(self, *, remove_many: bool = False) -> Refreshed:
        """Sync the projects that have changed, and remove those that are gone.

        Args:
            remove_many: even if most projects are gone.

        Raises:
            GitlabApiError: the projects cannot be listed; nothing was changed.
        """
        listed = self.server.all()
        theirs = self._theirs()
        found = {key: one for key, one in listed.items() if not self._is_in(theirs, one)}
        known = self._known()
        due = [project for key, project in found.items() if self._is_due(known.get(key), project)]
        results: list[SyncResult] = []
        for look in self._looked(due, known):
            results.extend(look.results)
        self._renew_schedules(found)
        gone = self._gone(listed, known)
        elsewhere = listed.keys() - found.keys()
        many = len(gone) >= _MANY and 2 * len(gone) > len(known) and not remove_many
        removed = self._remove([*elsewhere, *(() if many else gone)])
        return Refreshed(
            found=len(found),
            looked=len(due),
            results=tuple(results),
            removed=tuple(removed),
            kept=len(gone) if many else 0,
            elsewhere=tuple(sorted(listed[key].path for key in elsewhere)),
        )

    def one(self, name: str | int) -> list[SyncResult] | None:
        """Sync one project, whether it has changed or not; None when the bundle does not have it.

        Raises:
            GitlabApiError: the server refuses or does not answer.
        """
        project = self.server.one(name)
        if project is None or self._is_in(self._theirs(), project):
            return None
        known = self._known().get(project.key)
        again = replace(known, refs={}) if known else None
        look = self.projects.look(project, again)
        self._note({project.key: look})
        return list(look.results)

    def turn(self, pause: float = 0) -> AbstractContextManager[bool]:
        """Become the one process that refreshes; gives False when another does or just has."""
        return turn(self.projects.discovered, self.name, pause=pause, now=self._now)

    def _known(self) -> Mapping[str, KnownProject]:
        found = self.projects.discovered.of(self.name)
        return found.projects if found else {}

    def _theirs(self) -> frozenset[str]:
        """Name the DAGs of the bundles that come before this one."""
        found = map(self.projects.discovered.of, self.before)
        return frozenset().union(*(bundle.dag_ids for bundle in found if bundle))

    def _is_in(self, theirs: frozenset[str], project: FoundProject) -> bool:
        """Return whether a project has one of these DAGs; of the same path, there may be others."""
        dag = dag_id(project.path)
        shown = self.projects.sync.state.snapshots.find_dag(dag) if dag in theirs else None
        return shown is not None and shown.project.clone_url == project.clone_url

    def _now(self) -> float:
        return self.projects.now()

    def _is_due(self, known: KnownProject | None, project: FoundProject) -> bool:
        return (
            known is None
            or not known.settled
            or known.activity != project.activity
            or known.path != project.path
            or known.asked != self.projects.asked(project)
        )

    def _looked(
        self, due: Iterable[FoundProject], known: Mapping[str, KnownProject]
    ) -> Iterator[Look]:
        """Look at projects at the same time, and note now and then what was found."""
        fresh: dict[str, Look] = {}
        noted = time.monotonic()
        with ExitStack() as opened:
            pool = ThreadPoolExecutor(_AT_ONCE)
            opened.callback(pool.shutdown, cancel_futures=True)  # where one finds the state away
            waiting = {
                pool.submit(self.projects.look, project, known.get(project.key)): project
                for project in due
            }
            for done in as_completed(waiting):
                fresh[waiting[done].key] = done.result()
                yield done.result()
                if time.monotonic() - noted > _NOTED_AFTER:
                    self._note(fresh)
                    fresh, noted = {}, time.monotonic()
        self._note(fresh)

    def _renew_schedules(self, found: Mapping[str, FoundProject]) -> None:
        """Ask for the schedules of some projects, those first that have waited for longest."""
        if not self.projects.sync.schedules:
            return
        known, oldest = self._known(), self._now() - _SCHEDULES_AFTER
        due = sorted(
            (known[key].schedules_at, key)
            for key in known.keys() & found.keys()
            if known[key].dag_id and known[key].schedules_at < oldest and not found[key].problem
        )
        asked: set[str] = set()
        for _, key in due[:_SCHEDULES_AT_ONCE]:
            asked.add(key)
            try:
                self.projects.renew_schedules(found[key], known[key])
            except GitlabApiError as problem:
                _log.info("schedules stay as they are: %s", problem)
                break

        def note(before: BundleProjects) -> BundleProjects:
            now = self._now()
            after = {
                key: replace(one, schedules_at=now) if key in asked else one
                for key, one in before.projects.items()
            }
            return replace(before, projects=after)

        if asked:
            self.projects.discovered.change(self.name, note)

    def _note(self, looks: Mapping[str, Look]) -> BundleProjects:
        def change(before: BundleProjects) -> BundleProjects:
            after = {**before.projects, **{key: look.known for key, look in looks.items()}}
            old = {known.dag_id for key in looks if (known := before.projects.get(key))}
            return _without(before, after, old)

        return self.projects.discovered.change(self.name, change)

    def _gone(
        self, found: Mapping[str, FoundProject], known: Mapping[str, KnownProject]
    ) -> list[str]:
        """List projects that are not there; one that a page has left out is asked for by itself."""
        hidden = tuple(f"{one.path}/".casefold() for one in found.values() if one.problem)
        missing = [
            key
            for key, one in known.items()
            if key not in found and not one.path.casefold().startswith(hidden)
        ]
        if len(missing) >= _MANY:
            return missing
        return [key for key in missing if self.server.one(key) is None]

    def _remove(self, gone: Iterable[str]) -> list[str]:
        """Forget projects, and remove the DAGs that no run holds any more."""
        leaving = set(gone)

        def forget(before: BundleProjects) -> BundleProjects:
            old = {known.dag_id for key in leaving if (known := before.projects.get(key))}
            left = {key: one for key, one in before.projects.items() if key not in leaving}
            return _without(before, left, old)

        noted = self.projects.discovered.change(self.name, forget)
        theirs = self._theirs()
        removed = [dag for dag in noted.leaving if dag in theirs or self.projects.remove(dag)]

        def drop(before: BundleProjects) -> BundleProjects:
            left = tuple(dag for dag in before.leaving if dag not in removed)
            return replace(before, leaving=left)

        if removed:
            self.projects.discovered.change(self.name, drop)
        return [dag for dag in removed if dag not in theirs]


def _without(
    before: BundleProjects, projects: Mapping[str, KnownProject], old: set[str]
) -> BundleProjects:
    """Replace the projects; DAGs that none of them has any more are leaving."""
    used = {known.dag_id for known in projects.values()}
    leaving = sorted({*before.leaving, *old}.difference(used, {""}))
    return BundleProjects(projects=projects, leaving=tuple(leaving))

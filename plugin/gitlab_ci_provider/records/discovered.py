"""The projects that each DAG bundle has found, and whose turn it is to look for more.

Keys::

    discovered/projects/<bundle>.json    a BundleProjects
    discovered/turns/<bundle>.json       a Turn
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from gitlab_ci_provider.records.store import RecordStore, key_name, read_document, update_document


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProject:
    """What the last look at a project has found.

    Attributes:
        path: with its namespace; moves with the project.
        dag_id: of its DAG, and the beginning of those of its refs and children; empty without one.
        activity: as the server gave it.
        settled: nothing can have happened since that the activity does not show.
        asked: what was looked for: the configuration's path, and which refs.
        schedules_at: when GitLab was asked for its schedules, in seconds since 1970.
        refs: the commits that were compiled, by full name of the ref.
        held: a commit of the default branch that the DAG shows when no run holds it any more.
    """

    path: str
    dag_id: str = ""
    activity: str = ""
    settled: bool = False
    asked: str = ""
    refs: Mapping[str, str] = field(default_factory=dict)
    held: str = ""
    schedules_at: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleProjects:
    """What a bundle has found.

    Attributes:
        projects: by `FoundProject.key`.
        leaving: DAGs of projects that are gone or were renamed; they stay while runs hold them.
    """

    projects: Mapping[str, KnownProject] = field(default_factory=dict)
    leaving: tuple[str, ...] = ()

    @property
    def dag_ids(self) -> frozenset[str]:
        """The DAGs that the bundle shows, without those of refs and children."""
        mine = {project.dag_id for project in self.projects.values()}
        return frozenset({*mine, *self.leaving} - {""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Which process looks for projects, in seconds since 1970.

    It saves work and nothing depends on it: where clocks differ, two look, or one later.
    """

    owner: str = ""
    until: float = 0
    ended_at: float = 0


@dataclass(frozen=True, slots=True)
class Discovered:
    """What the bundles of an installation have found."""

    store: RecordStore

    def of(self, bundle: str) -> BundleProjects | None:
        """Read the projects of a bundle; None before it was synced for the first time."""
        return read_document(self.store, _projects(bundle), BundleProjects)

    def change(
        self, bundle: str, change: Callable[[BundleProjects], BundleProjects]
    ) -> BundleProjects:
        """Change what a bundle has found, so that no change of another process is lost."""
        return update_document(
            self.store,
            _projects(bundle),
            BundleProjects,
            lambda before: change(before or BundleProjects()),
        )

    def take_turn(self, bundle: str, turn: Turn, now: float, pause: float) -> bool:
        """Take the turn, unless another process has it or had it less than a pause ago.

        One that lasts twice as long as ours would is that of a clock that was wrong.
        """
        latest = now + 2 * (turn.until - now)

        def change(before: Turn | None) -> Turn:
            known = before or Turn()
            busy = known.owner not in {"", turn.owner} and now < known.until <= latest
            early = 0 <= now - known.ended_at < pause
            return known if busy or early else replace(turn, ended_at=known.ended_at)

        return update_document(self.store, _turns(bundle), Turn, change).owner == turn.owner

    def end_turn(self, bundle: str, owner: str, now: float | None) -> None:
        """Give the turn back; without a time, it does not count as one."""

        def change(before: Turn | None) -> Turn | None:
            if before is None or before.owner != owner:
                return before
            return Turn(ended_at=before.ended_at if now is None else now)

        update_document(self.store, _turns(bundle), Turn, change)


def _projects(bundle: str) -> str:
    return f"discovered/projects/{key_name(bundle)}.json"


def _turns(bundle: str) -> str:
    return f"discovered/turns/{key_name(bundle)}.json"

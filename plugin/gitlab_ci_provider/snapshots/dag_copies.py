"""Copies of DAGs on one machine, from which it parses DAG files without a network.

A copy holds what the DAG shows, not who holds it. The pipeline that it shows is copied first: a DAG
file never names one that is not there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.exceptions import StateAwayError, StateError
from gitlab_ci_provider.model.names import owner_of
from gitlab_ci_provider.snapshots.dag_files import (
    dag_names,
    moment_in,
    remove_dag_file,
    write_dag_file,
    write_problem_file,
)
from gitlab_ci_provider.snapshots.store import SnapshotStore, StoredDag
from gitlab_ci_provider.snapshots.versions import moment_of

_log = logging.getLogger(__name__)

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied of a DAG: the version that the store gives to it, and when it was changed."""

    stored: str
    changed_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DagCopies:
    """The copies of one machine.

    Attributes:
        shared: what all machines see.
        local: what this machine reads when it parses; the same as `shared` if that is a folder.
        folder: of the DAG files; an earlier version has one of its own.
    """

    shared: SnapshotStore
    local: SnapshotStore
    folder: Path

    def one(self, name: str) -> StoredDag:
        """Copy one DAG.

        Raises:
            StateError: it does not exist, or cannot be read.
        """
        stored = self.shared.load_stored(name)
        record = stored.record
        if record.digest:
            self.shared.load_pipeline(record.digest)  # keeps a copy
        elif not record.errors:
            return stored
        if self.local.records != self.shared.records:
            self.local.put_dag(StoredDag(record=record, used_at=0))
        write_dag_file(record, self.folder)
        write_problem_file(record, self.folder)
        return stored

    def earlier(self, version: str, name: str = "") -> None:
        """Copy one DAG, or all, as they were in a version; one that is there costs no request.

        Raises:
            StateError: a DAG was not there, or cannot be read.
        """
        versions = self.shared.versions
        for dag in [name] if name else versions.dags():
            if self._has_earlier(dag):
                continue
            moment = versions.at(dag, version)
            record = versions.load(dag, moment)
            self.shared.load_pipeline(record.digest)  # keeps a copy
            if self.local.records != self.shared.records:
                self.local.versions.copy(moment, record)
            write_dag_file(record, self.folder, moment)

    def _has_earlier(self, dag: str) -> bool:
        """Return whether another task has left what a DAG of the version needs."""
        moment = moment_in(dag, self.folder)
        try:
            return bool(moment) and bool(
                self.local.load_pipeline(self.local.versions.load(dag, moment).digest)
            )
        except StateError:
            return False

    def changed(
        self, seen: Mapping[str, Copied], owners: frozenset[str] | None = None
    ) -> dict[str, Copied]:
        """Copy the DAGs that have changed and remove those that are gone.

        A DAG that cannot be read keeps its last copy; the others are copied.

        Args:
            seen: what this returned last.
            owners: the projects' DAGs that are copied, with their parts; None copies all.

        Raises:
            StateError: the state cannot be read, or there is none: all copies stay.
        """
        there = self.shared.dag_versions()
        if not there:
            self.shared.check_exists()
        gone = {*self.local.dags(), *self._files()}.difference(there)
        others = {name for name in there if owners is not None and owner_of(name) not in owners}
        mine = {name: version for name, version in there.items() if name not in others}
        same = {name: seen[name] for name in mine
                if name in seen and seen[name].stored == mine[name]}  # fmt: skip
        wanted = [name for name in mine if name not in same]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            copied = dict(zip(wanted, pool.map(self._tried, wanted), strict=True))
        for name in gone:
            if not self.shared.has_dag(name):  # a listing may be older than the DAG
                self._remove(name)
        for name in others.intersection(self._files()):
            remove_dag_file(name, self.folder)
        fresh = {
            name: Copied(mine[name], stored.changed_at) for name, stored in copied.items() if stored
        }
        return same | fresh

    def _tried(self, name: str) -> StoredDag | None:
        """Copy one DAG, and make sure that it can be found in later versions; None if it failed."""
        try:
            stored = self.one(name)
            moment = moment_of(stored.shown_at)
            if stored.record.digest and not self.local.versions.has(name, moment):
                self.shared.versions.keep(moment, stored.record)
                self.local.versions.keep(moment, stored.record)
        except StateAwayError:
            raise
        except StateError as problem:
            _log.error("the DAG %s keeps its last copy: %s", name, problem)
            return None
        return stored

    def _files(self) -> list[str]:
        return dag_names(self.folder)

    def _remove(self, name: str) -> None:
        if self.local.records != self.shared.records:
            self.local.drop_dag(name)
        remove_dag_file(name, self.folder)

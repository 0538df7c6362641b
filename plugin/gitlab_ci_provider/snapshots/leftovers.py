"""Removes what nothing in the state needs any more: compiled pipelines and records of runs.

A pipeline is in use while a DAG shows it or the record of a run names it. Between the moment that a
pipeline is stored and the moment that something refers to it, nothing shows that it is needed; and
a later run of the same commit takes the one that is there. So a pipeline goes only after nothing
has referred to it for a long time, and what was deleted is put back if something has referred to it
meanwhile.

Key::

    snapshots/unused.json    since when which pipelines are not used
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.records.cancellations import Cancellations
from gitlab_ci_provider.records.register import Register
from gitlab_ci_provider.records.store import read_document, update_document
from gitlab_ci_provider.snapshots.store import SnapshotStore

_KEY = "snapshots/unused.json"
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """Pipelines that nothing refers to.

    Attributes:
        looked_at: when that was last found out, in seconds since 1970.
        since: when each was first found unused.
    """

    looked_at: float = 0
    since: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What is left over in the state of an installation.

    Attributes:
        keep: seconds for which what is not used is kept.
    """

    store: SnapshotStore
    keep: float

    def due(self) -> list[str]:
        """List the digests of pipelines whose time is over; changes nothing."""
        known, now = self._known(), self.store.clock()
        over = [name for name, since in known.since.items() if since < now - self.keep]
        used = self.store.used_pipelines(runs=True) if over else set()
        there = set(self.store.pipelines()) if over else set()
        return sorted(name for name in over if name in there and name not in used)

    def prune(self) -> list[str]:
        """Delete the pipelines whose time is over, and note what is not used; once a day.

        With them go old entries of the register and orders to cancel. Returns the digests.
        """
        now = self.store.clock()
        if self._known().looked_at > now - _DAY:
            return []
        self._forget_ended(now - self.keep)
        due = self.due()
        deleted = {name: data for name in due if (data := self.store.take_pipeline(name))}
        again = self.store.used_pipelines(runs=True) if deleted else set()
        for name in again.intersection(deleted):
            self.store.put_back(name, deleted.pop(name))
        self._note(now)
        self.store.records.sweep()
        return sorted(deleted)

    def _forget_ended(self, oldest: float) -> None:
        """Forget what there is of pipelines from before a time."""
        self.store.forget_runs(oldest)
        self.store.versions.forget(oldest, self.store.dags())
        register = Register(self.store.records)
        orders = Cancellations(self.store.records)
        orders.prune(lambda run: register.needs_orders(run, oldest))
        register.forget(oldest)

    def _known(self) -> Unused:
        return read_document(self.store.records, _KEY, Unused) or Unused()

    def _note(self, now: float) -> None:
        used = self.store.used_pipelines(runs=False)
        unused = [name for name in self.store.pipelines() if name not in used]

        def change(known: Unused | None) -> Unused:
            since = known.since if known else {}
            return Unused(looked_at=now, since={name: since.get(name, now) for name in unused})

        update_document(self.store.records, _KEY, Unused, change)

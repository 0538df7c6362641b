"""Webhook events: each is stored before GitLab gets an answer, and stays until it is handled.

Keys::

    events/waiting/<event>         a WebhookEvent that is not yet handled
    events/ended/<day>/<event>     an EndedEvent: it does nothing when it is sent again
    events/runs/<day>/<event>      the ID of the run that an event starts, however often it is sent
    events/leases/<project>        which process handles the events of a project

`<event>` is a hash of GitLab's ID.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.model.webhook_event import EndedEvent, EventEnd, Lease, WebhookEvent
from gitlab_ci_provider.records.store import (
    RecordStore,
    key_name,
    read_document,
    update_document,
)

_WAITING, _ENDED, _LEASES = "events/waiting/", "events/ended/", "events/leases/"
_RUNS = "events/runs/"
_DAY = 24 * 3600
_KEPT_DAYS = 2
"""For so long an event that is sent again is recognized: GitLab offers that for two days."""


def _now() -> float:
    return datetime.now(UTC).timestamp()


def event_key(event_id: str) -> str:
    """Name an event: 32 hexadecimal digits."""
    return hashlib.sha256(event_id.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Events:
    """The events of an installation."""

    store: RecordStore
    clock: Callable[[], float] = _now

    def add(self, event: WebhookEvent) -> bool:
        """Store an event; False if it was stored before."""
        key = event_key(event.id)
        if any(self.store.read(f"{_ENDED}{day}/{key}") for day in self._days()):
            return False
        return self.store.create(f"{_WAITING}{key}", encode(event))

    def waiting(self) -> list[str]:
        """List the keys of events that are not yet handled."""
        return [key.removeprefix(_WAITING) for key in self.store.keys(_WAITING)]

    def get(self, key: str) -> WebhookEvent | None:
        """Read an event that is not yet handled; None when it has been since."""
        return read_document(self.store, f"{_WAITING}{key}", WebhookEvent)

    def run(self, event: WebhookEvent, name: Callable[[], str]) -> str:
        """Name the run of an event: the same name in every process, and when it is sent again.

        Args:
            event: it must not wait for days.
            name: makes a name, if the event has none yet.
        """
        keys = [f"{_RUNS}{day}/{event_key(event.id)}" for day in self._days()]
        known = next(filter(None, map(self.store.read, keys)), None)
        if known is None:
            self.store.create(keys[0], name().encode())
            known = self.store.read(keys[0])
        return (known or b"").decode()

    def end(self, event: WebhookEvent, end: EventEnd) -> None:
        """Note what came of an event; it no longer waits."""
        key = event_key(event.id)
        ended = EndedEvent(event=event, end=end)
        self.store.write(_ended_key(self.clock(), key), encode(ended))
        self.store.delete(f"{_WAITING}{key}")

    def ended(self) -> Iterator[EndedEvent]:
        """List what came of the events of the last days."""
        for key in self.store.keys(_ENDED):
            if found := read_document(self.store, key, EndedEvent):
                yield found

    def forget(self) -> None:
        """Remove what came of events of earlier days."""
        oldest = _day(self.clock() - _KEPT_DAYS * _DAY)
        for prefix in (_ENDED, _RUNS):
            for key in self.store.keys(prefix):
                if key.removeprefix(prefix).partition("/")[0] > oldest:
                    break
                self.store.delete(key)

    def _days(self) -> list[str]:
        return [_day(self.clock() - day * _DAY) for day in range(_KEPT_DAYS)]

    def lease(self, project: str, owner: str, seconds: float) -> bool:
        """Take over the events of a project, or continue to; False while another process has them.

        The clocks of the machines need not be equal: a lease that ends too early means that two
        processes do the same work, and both start the same run. One that lasts twice as long as it
        should is that of a clock that was wrong.
        """
        now = self.clock()

        def change(known: Lease | None) -> Lease:
            if known and known.owner != owner and now < known.until <= now + 2 * seconds:
                return known
            return Lease(owner=owner, until=now + seconds)

        return update_document(self.store, _lease_key(project), Lease, change).owner == owner

    def release(self, project: str, owner: str) -> None:
        """Give the events of a project back."""

        def change(known: Lease | None) -> Lease | None:
            return None if known is not None and known.owner == owner else known

        update_document(self.store, _lease_key(project), Lease, change)


def _lease_key(project: str) -> str:
    return f"{_LEASES}{key_name(project)}"


def _ended_key(seconds: float, key: str) -> str:
    return f"{_ENDED}{_day(seconds)}/{key}"


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d")

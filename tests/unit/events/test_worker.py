"""Events that wait are handled, in their order, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from gitlab_ci_provider.events import worker as module
from gitlab_ci_provider.events.handle import Handler, Later, Progress
from gitlab_ci_provider.events.worker import Worker
from gitlab_ci_provider.model.webhook_event import EventEnd, WebhookEvent
from gitlab_ci_provider.records.events import Events
from processes.waiting import wait_until
from stores import MemoryStore


def event(number: int, project: str = "g/p") -> WebhookEvent:
    return WebhookEvent(
        id=str(number), what="push", project=project, clone_url="https://x", received_at=number
    )


@dataclass
class FakeHandler:
    """Ends each event, after what the test has ordered for it."""

    orders: dict[str, list[Any]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def clock(self) -> float:
        """Stand still."""
        return 0.0

    def step(self, event: WebhookEvent, progress: Progress) -> EventEnd | Later:
        """Do what was ordered."""
        self.seen.append(event.id)
        order = self.orders.get(event.id, [])
        if order:
            given = order.pop(0)
            if isinstance(given, Exception):
                raise given
            if isinstance(given, threading.Event):
                given.wait()
                return Later(0, "again")
            return cast("EventEnd | Later", given)
        return EventEnd(words=f"handled {event.id}")


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> FakeHandler:
    """Make a handler; nothing waits long."""
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.01)
    return FakeHandler()


@pytest.fixture
def events() -> Events:
    """Make an empty store."""
    return Events(MemoryStore())


@pytest.fixture
def worker(events: Events, handler: FakeHandler) -> Iterator[Worker]:
    """Make a worker; it is stopped at the end."""
    made = Worker(lambda: events, lambda: cast("Handler", handler), lambda: True)
    yield made
    made.stop()


def ends(events: Events) -> list[str]:
    return sorted(found.end.words for found in events.ended())


def test_events_of_a_project_are_handled_in_their_order(
    worker: Worker, events: Events, handler: FakeHandler
):
    """One that has to wait holds back the later ones, as pushes must not overtake each other."""
    handler.orders["1"] = [Later(0, "wait"), Later(0, "wait")]
    for number in (2, 1, 3):
        events.add(event(number))

    worker.start()
    wait_until(lambda: len(ends(events)) == 3, "all three events")

    assert handler.seen == ["1", "1", "1", "2", "3"]


def test_a_project_does_not_hold_back_another(worker: Worker, events: Events, handler: FakeHandler):
    """While one waits, the other one's events are handled."""
    held = threading.Event()
    handler.orders["1"] = [held]
    events.add(event(1))
    events.add(event(2, "g/other"))

    worker.start()
    wait_until(lambda: ends(events) == ["handled 2"], "the other project")
    held.set()
    wait_until(lambda: len(ends(events)) == 2, "the first project")


def test_a_failure_is_tried_again(worker: Worker, events: Events, handler: FakeHandler):
    """A database that was locked for a moment loses no event."""
    handler.orders["1"] = [OSError("locked"), OSError("locked")]
    events.add(event(1))

    worker.start()
    wait_until(lambda: ends(events) == ["handled 1"], "the event")


def test_what_always_fails_is_said_and_lets_others_pass(
    worker: Worker, events: Events, handler: FakeHandler, caplog: pytest.LogCaptureFixture
):
    """After eight tries the event has failed: in the log, and in the state."""
    handler.orders["1"] = [OSError("broken")] * 8
    events.add(event(1))
    events.add(event(2))

    worker.start()
    wait_until(lambda: len(ends(events)) == 2, "both events")

    assert ends(events)[0] == "given up after 8 tries: OSError: broken"
    assert any(
        "given up" in record.message and record.levelname == "ERROR" for record in caplog.records
    )


def test_another_process_goes_on(worker: Worker, events: Events, handler: FakeHandler):
    """What a process has left that was killed is handled when its lease ends."""
    now = [0.0]
    events = Events(events.store, clock=lambda: now[0])
    worker.events = lambda: events
    events.add(event(1))
    assert events.lease("g/p", "killed", 40)

    worker.start()
    wait_until(lambda: worker._known, "a look at the event")
    assert not handler.seen
    now[0] = 41
    wait_until(lambda: ends(events) == ["handled 1"], "the event")


def test_a_process_that_ends_leaves_what_is_not_handled(
    worker: Worker, events: Events, handler: FakeHandler
):
    """The event still waits."""
    handler.orders["1"] = [Later(3600, "for an hour")]
    events.add(event(1))

    worker.start()
    wait_until(lambda: handler.seen, "the first step")
    worker.stop()
    wait_until(lambda: not any(work.is_alive() for work in worker._busy.values()), "its thread")

    assert not ends(events)
    assert len(events.waiting()) == 1


def test_nothing_is_asked_without_webhooks(events: Events, handler: FakeHandler):
    """An installation without a secret pays for no request."""
    asked = threading.Event()

    def wanted() -> bool:
        asked.set()
        return False

    events.add(event(1))
    worker = Worker(lambda: events, lambda: cast("Handler", handler), wanted)
    worker.start()
    asked.wait()
    worker.stop()

    assert not handler.seen

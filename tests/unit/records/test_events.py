"""Webhook events in the state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gitlab_ci_provider.model.webhook_event import EventEnd, WebhookEvent
from gitlab_ci_provider.records.events import Events, event_key
from gitlab_ci_provider.records.store import RecordStore

DAY = 24 * 3600.0
EVENT = WebhookEvent(
    id="gitlab/1", what="push to main", project="g/p", clone_url="https://x/g/p.git"
)
END = EventEnd(words="done")


def test_an_event_is_stored_once(records: RecordStore):
    """Sent again, it is known: while it waits, and after it was handled."""
    events = Events(records)

    assert events.add(EVENT)
    assert not events.add(EVENT)
    assert events.waiting() == [event_key(EVENT.id)]
    assert events.get(event_key(EVENT.id)) == EVENT

    events.end(EVENT, END)
    assert not events.add(EVENT)
    assert events.waiting() == []
    assert [found.end for found in events.ended()] == [END]


def test_ends_are_forgotten_after_days(records: RecordStore):
    """An event is recognized on the next day, not for ever."""
    now = [10 * DAY]
    events = Events(records, clock=lambda: now[0])
    events.add(EVENT)
    events.end(EVENT, END)

    now[0] += DAY
    events.forget()
    assert not events.add(EVENT)
    now[0] += 2 * DAY
    events.forget()
    assert not list(events.ended())


def test_to_forget_nothing_costs_the_beginning_of_a_list(
    records: RecordStore, monkeypatch: pytest.MonkeyPatch
):
    """After a day with a flood of events, each project's turn ends with it."""
    events, read = Events(records), []
    for number in range(20):
        events.end(replace(EVENT, id=f"gitlab/{number}"), END)
    listed = type(records).keys

    def keys(store: RecordStore, prefix: str) -> Iterator[str]:
        for key in listed(store, prefix):
            read.append(key)
            yield key

    monkeypatch.setattr(type(records), "keys", keys)
    events.forget()

    assert len(read) == 1


def test_an_event_names_its_run_once(records: RecordStore):
    """However often it is handled; the name is forgotten with the event."""
    now, names = [10 * DAY], iter(["1-main", "2-main", "3-main"])
    events = Events(records, clock=lambda: now[0])

    assert events.run(EVENT, lambda: next(names)) == "1-main"
    now[0] += DAY
    events.forget()
    assert events.run(EVENT, lambda: next(names)) == "1-main"
    now[0] += 2 * DAY
    events.forget()
    assert events.run(EVENT, lambda: next(names)) == "2-main"


def test_one_process_at_a_time_has_a_project(records: RecordStore):
    """Another one gets it when it is given back, or when the time is up."""
    now = [0.0]
    events = Events(records, clock=lambda: now[0])

    assert events.lease("g/p", "a", 40)
    assert events.lease("g/p", "a", 40)
    assert not events.lease("g/p", "b", 40)
    assert events.lease("g/other", "b", 40)
    now[0] = 41
    assert events.lease("g/p", "b", 40)
    events.release("g/p", "a")
    assert not events.lease("g/p", "a", 40)
    events.release("g/p", "b")
    assert events.lease("g/p", "a", 40)


def test_the_lease_of_a_clock_that_was_wrong_counts_for_nothing(records: RecordStore):
    """A machine was a day ahead, and was killed; the events of the project do not wait a day."""
    assert Events(records, clock=lambda: DAY).lease("g/p", "dead", 40)

    assert Events(records, clock=lambda: 0.0).lease("g/p", "a", 40)

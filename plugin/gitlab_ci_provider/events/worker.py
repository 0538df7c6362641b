"""Handles events that wait, in threads of the API server; of any process that has this state.

An event is stored before GitLab gets its answer, so that it survives this process. Each process
looks for waiting events from time to time. The events of a project are handled one after another,
in the order in which they came, by the process that has its lease; when that dies, the lease ends
and another process goes on. Doing the same work twice does no harm.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from gitlab_ci_provider.events.handle import Handler, Later, Progress
from gitlab_ci_provider.exceptions import GitlabCiError, StateError
from gitlab_ci_provider.model.webhook_event import EventEnd, WebhookEvent
from gitlab_ci_provider.records.events import Events, event_key

_LOOK_SECONDS = 10.0
_LEASE_SECONDS = 40.0
_AT_ONCE = 32
"""Projects; most of them wait for Airflow to read a DAG."""
_TRIES = 8
_PAUSE_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Worker:
    """Looks for events and handles them.

    Attributes:
        events: opens the events.
        handler: makes what handles one event, so that settings may change.
        wanted: whether to look at all; without webhooks, nothing is asked.
    """

    events: Callable[[], Events]
    handler: Callable[[], Handler]
    wanted: Callable[[], bool]
    owner: str = field(default_factory=lambda: secrets.token_hex(8))
    _known: dict[str, WebhookEvent] = field(default_factory=dict)
    _busy: dict[str, threading.Thread] = field(default_factory=dict)
    _woken: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start the thread, which ends with the process or with `stop`."""
        self._stopped.clear()
        threading.Thread(target=self._work, name="gitlab-ci-events", daemon=True).start()

    def wake(self) -> None:
        """Have it look now: there is a new event."""
        self._woken.set()

    def stop(self) -> None:
        """End the threads; what is not handled waits for another process."""
        self._stopped.set()
        self._woken.set()

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                if self.wanted():
                    self._look(self.events())
            except GitlabCiError as problem:
                _log.warning("cannot look for webhook events: %s", problem)
            except Exception:  # noqa: BLE001 - later events must not wait for ever
                _log.exception("cannot look for webhook events")
            self._woken.wait(_LOOK_SECONDS)

    def _look(self, events: Events) -> None:
        """Hand out the projects that have waiting events, and keep the leases of those at work."""
        self._busy = {name: work for name, work in self._busy.items() if work.is_alive()}
        for project, theirs in _by_project(self._waiting(events)):
            busy = project in self._busy
            if not busy and len(self._busy) >= _AT_ONCE:
                continue
            if events.lease(project, self.owner, _LEASE_SECONDS) and not busy:
                work = threading.Thread(
                    target=self._project,
                    args=(events, project, theirs),
                    name=f"gitlab-ci-event {project}",
                    daemon=True,
                )
                self._busy[project] = work
                work.start()

    def _waiting(self, events: Events) -> list[WebhookEvent]:
        there = events.waiting()
        self._known = {key: event for key, event in self._known.items() if key in there}
        for key in there:
            if key not in self._known and (event := events.get(key)):
                self._known[key] = event
        return list(self._known.values())

    def _project(self, events: Events, project: str, theirs: list[WebhookEvent]) -> None:
        """Handle the events of a project in their order."""
        try:
            for event in theirs:
                if events.get(event_key(event.id)) is None:
                    continue  # handled since it was listed
                end = self._one(self.handler(), event)
                if end is None:
                    return  # this process ends; another one takes over
                events.end(event, end)
                level = logging.ERROR if end.failed else logging.INFO
                _log.log(level, "webhook: %s of %s: %s", event.what, event.project, end.words)
            events.release(project, self.owner)
            events.forget()
            self.wake()
        except GitlabCiError as problem:  # the state is away: they still wait
            _log.warning("webhook events of %s wait: %s", project, problem)
        except Exception:  # noqa: BLE001 - a thread that dies says nothing
            _log.exception("webhook events of %s wait", project)

    def _one(self, handler: Handler, event: WebhookEvent) -> EventEnd | None:
        """Handle one event, however long it takes; None when this process ends before."""
        progress, failures, told = Progress(since=handler.clock()), 0, ""
        while not self._stopped.is_set():
            try:
                done = handler.step(event, progress)
            except StateError:
                raise
            except Exception as problem:  # noqa: BLE001 - whatever it is, the event is not lost
                failures += 1
                _log.warning("webhook: %s of %s", event.what, event.project, exc_info=True)
                said = f"{type(problem).__name__}: {problem}"
                if failures == _TRIES:
                    return EventEnd(words=f"given up after {_TRIES} tries: {said}", failed=True)
                done = Later(_PAUSE_SECONDS * failures, said)
            if isinstance(done, EventEnd):
                return done
            if done.why != told:
                _log.info("webhook: %s of %s waits: %s", event.what, event.project, done.why)
                told = done.why
            self._stopped.wait(done.seconds)
        return None


def _by_project(events: Iterable[WebhookEvent]) -> list[tuple[str, list[WebhookEvent]]]:
    """Group events by project, each in the order in which they came."""
    ordered = sorted(events, key=attrgetter("project", "received_at", "id"))
    return [(name, list(theirs)) for name, theirs in groupby(ordered, attrgetter("project"))]

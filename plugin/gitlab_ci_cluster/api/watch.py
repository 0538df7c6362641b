"""Watches: a stream of changes after a version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from gitlab_ci_cluster.api import request as requests
from gitlab_ci_cluster.api import respond, tables
from gitlab_ci_cluster.api.objects import selection
from gitlab_ci_cluster.api.request import Target
from gitlab_ci_cluster.api.respond import begin_stream
from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.meta import Obj, with_metadata
from gitlab_ci_cluster.objects.selectors import Predicate
from gitlab_ci_cluster.objects.store import Change, Store

_BOOKMARK_SECONDS = 60.0
_LONGEST_SECONDS = 3600.0
_INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What a client asked to watch.

    Attributes:
        start: the version to continue after; None starts with all that exists.
    """

    target: Target
    matches: Predicate
    form: str
    include: str
    start: int | None
    seconds: float
    bookmarks: bool
    initial_end: bool


async def watch(request: web.Request, target: Target, store: Store) -> web.StreamResponse:
    """`GET` with `watch=true`."""
    plan = _read_plan(request, target)
    response = await begin_stream(request, "application/json")
    headed = True
    with suppress(ConnectionError):  # the client has gone
        async for event in _Stream(plan, store).events():
            line = _line(event, plan, headed=headed)
            headed = headed and event["type"] in {"BOOKMARK", "ERROR"}
            await response.write(line)
        await response.write_eof()
    return response


def _read_plan(request: web.Request, target: Target) -> _Plan:
    query = request.query
    initial = query.get("sendInitialEvents")
    if initial is not None and query.get("resourceVersionMatch") != "NotOlderThan":
        text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        cause = errors.cause("Forbidden", f"Forbidden: {text}", "resourceVersionMatch")
        raise errors.invalid("ListOptions", "", [cause], group="meta.k8s.io")
    everything = initial == "true" or query.get("resourceVersion", "") in {"", "0"}
    return _Plan(
        target=target,
        matches=selection(request, target),
        form=respond.form_of(request),
        include=query.get("includeObject", "Metadata"),
        start=None if everything else _version(query["resourceVersion"]),
        seconds=float(requests.integer(request, "timeoutSeconds") or _LONGEST_SECONDS),
        bookmarks=requests.boolean(request, "allowWatchBookmarks"),
        initial_end=initial == "true",
    )


def _version(text: str) -> int:
    if not text.isdigit():
        problem = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        message = f'resourceVersion: Invalid value: "{text}": {problem}'
        raise ApiError(500, message, reason="")
    return int(text)


class _Stream:
    """The events of one watch, from its version until its time is over."""

    def __init__(self, plan: _Plan, store: Store) -> None:
        self._plan = plan
        self._store = store
        self._time = asyncio.get_running_loop().time
        self._end = self._time() + plan.seconds
        self._bookmark_at = self._end + 1
        if plan.bookmarks:
            self._plan_bookmark()
        self._version = store.version if plan.start is None else plan.start

    async def events(self) -> AsyncIterator[Obj]:
        """Yield all events; an expired version ends the watch."""
        if self._plan.start is None:
            for event in _initial_events(self._plan, self._store):
                yield event
        while True:
            try:
                changes = self._store.changes(self._plan.target.resource, self._version)
            except ApiError as error:
                yield {"type": "ERROR", "object": error.status}
                return
            for event in self._changed(changes):
                yield event
            if self._time() >= self._end:
                return
            if self._time() >= self._bookmark_at:
                yield _bookmark(self._plan, self._store.version)
                self._plan_bookmark()
            await self._wait()

    def _changed(self, changes: list[Change]) -> Iterator[Obj]:
        for change in changes:
            self._version = change.version
            event = _event(change, self._plan)
            if event is not None:
                yield event

    def _plan_bookmark(self) -> None:
        """One every minute, and one a second before the end."""
        last = self._end - 1
        done = self._time() >= last
        self._bookmark_at = self._end + 1 if done else min(self._time() + _BOOKMARK_SECONDS, last)

    async def _wait(self) -> None:
        resource = self._plan.target.resource
        if self._store.has_changes(resource, self._version):
            return
        seconds = max(min(self._end, self._bookmark_at) - self._time(), 0)
        # Awaited directly: wrapped in a task, it would start to wait too late and miss a change.
        await self._store.wait(resource, seconds=seconds)


def _initial_events(plan: _Plan, store: Store) -> Iterator[Obj]:
    for obj in store.all(plan.target.resource, plan.target.namespace):
        if plan.matches(obj):
            yield {"type": "ADDED", "object": obj}
    if plan.initial_end:
        yield _bookmark(plan, store.version, _INITIAL_EVENTS_END)


def _bookmark(plan: _Plan, version: int, annotations: Obj | None = None) -> Obj:
    metadata: Obj = {"resourceVersion": str(version)}
    metadata |= {"annotations": annotations} if annotations else {}
    obj: Obj = {"kind": plan.target.resource.kind, "apiVersion": "v1", "metadata": metadata}
    if plan.target.resource.plural == "pods":
        obj |= {"spec": {"containers": None}, "status": {}}
    return {"type": "BOOKMARK", "object": obj}


def _event(change: Change, plan: _Plan) -> Obj | None:
    """Say what a change means to a watcher: entering a selection adds, leaving it deletes."""
    namespace = plan.target.namespace
    if namespace is not None and change.obj["metadata"].get("namespace") != namespace:
        return None
    was = change.before is not None and plan.matches(change.before)
    is_now = change.type != "DELETED" and plan.matches(change.obj)
    if is_now:
        return {"type": "MODIFIED" if was else "ADDED", "object": change.obj}
    if was and change.before is not None:
        version = change.obj["metadata"]["resourceVersion"]
        return {"type": "DELETED", "object": with_metadata(change.before, resourceVersion=version)}
    return None


def _line(event: Obj, plan: _Plan, *, headed: bool) -> bytes:
    obj, kind = event["object"], event["type"]
    if kind == "ERROR":
        shown = obj
    elif plan.form == "table":
        items = [] if kind == "BOOKMARK" else [obj]
        shown = tables.table(
            plan.target.resource, items, obj["metadata"], plan.include, headed=headed
        )
    elif plan.form == "metadata":
        shown = respond.metadata_only(obj)
    else:
        shown = obj
    return respond.encode({"type": kind, "object": shown}) + b"\n"

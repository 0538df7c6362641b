"""Commit statuses with the rules of GitLab's `Ci::CreateCommitStatusService` and `CommitStatus`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from servers.gitlab.call import DEVELOPER, Answer, Call, Refusal, route
from servers.gitlab.code import resolve
from servers.gitlab.pages import page
from servers.gitlab.world import NOW, Project

Thing = dict[str, Any]

_EVENTS = {
    "pending": ("enqueue", {"created"}),
    "running": ("run", {"created", "pending"}),
    "success": ("success", {"created", "pending", "running"}),
    "failed": ("drop", {"created", "pending", "running"}),
    "canceled": ("cancel", {"created", "pending", "running"}),
    "skipped": ("skip", {"created", "pending"}),
}
"""For each state, the event that leads to it, and from which states it does."""

_OPEN = ("pending", "running")
_LONGEST = 255
_FROM_OUTSIDE = ("target_url", "description", "coverage")
_lock = threading.Lock()


@route("POST", "/projects/:id/statuses/:sha")
def set_status(call: Call) -> Any:
    """Change the status that is open, or add one: one that has ended stays as it is."""
    project, sha = call.project(DEVELOPER), call.place["sha"]
    state = call.body.get("state")
    if not state:
        raise Refusal(400, {"error": "state is missing"})
    if state not in _EVENTS:
        raise Refusal(400, {"error": "state does not have a valid value"})
    if resolve(project, sha) != sha:
        raise Refusal(404, {"message": "404 Commit Not Found"})
    with _lock:
        return Answer(_changed(call, project, sha, state), 201)


@route("GET", "/projects/:id/repository/commits/:sha/statuses")
def statuses(call: Call) -> Answer:
    """List the statuses of a commit; those that newer ones have replaced only on request."""
    found = [one for one in _all(call.project()) if one["sha"] == call.place["sha"]]
    if not call.flag("all"):
        found = [one for one in found if not one["retried"]]
    for name in ("ref", "name", "pipeline_id"):
        if name in call.query:
            found = [one for one in found if str(one[name]) == call.query[name]]
    return page(call, [_shown(one) for one in found])


@route("GET", "/projects/:id/pipelines/:pipeline")
def pipeline(call: Call) -> Any:
    """Describe a pipeline."""
    project = call.project(DEVELOPER)
    found = [one for one in _pipelines(project) if str(one["id"]) == call.place["pipeline"]]
    if not found:
        raise Refusal(404, {"message": "404 Not found"})
    return {**found[0], "status": status_of(project, found[0]["id"])}


def status_of(project: Project, number: int) -> str:
    """Combine the statuses of a pipeline, as `Gitlab::Ci::Status::Composite` does for these."""
    latest = [one for one in _all(project) if one["pipeline_id"] == number and not one["retried"]]
    states = {one["status"] for one in latest}
    if states & {"running"} or ("pending" in states and states - {"pending"}):
        return "running"
    for state in ("pending", "failed", "canceled", "success"):
        if state in states:
            return state
    return "skipped" if states else "created"


def _changed(call: Call, project: Project, sha: str, state: str) -> Thing:
    body, user = call.body, call.signed_in().user
    at = _pipeline(call, project, sha)
    name = body.get("name") or body.get("context") or "default"
    wanted = (at["id"], name, at["ref"])
    same = [one for one in _all(project) if (one["pipeline_id"], one["name"], one["ref"]) == wanted]
    known = next((one for one in same if one["status"] in _OPEN and one["user"] == user), None)
    status = known or {"id": 0, "sha": sha, "ref": at["ref"], "name": name, "status": "created",
                       "pipeline_id": at["id"], "user": user, "retried": False, "created_at": NOW,
                       "allow_failure": False}  # fmt: skip
    given = {key: body[key] for key in _FROM_OUTSIDE if body.get(key) is not None}
    if problems := dict(_problems(name, given)):
        raise Refusal(400, {"message": problems})
    event, sources = _EVENTS[state]
    if status["status"] not in sources:
        words = f"Cannot transition status via :{event} from :{status['status']}"
        words += f' (Reason(s): Status cannot transition via "{event}")'
        raise Refusal(400, {"message": words})
    status.update(given, status=state)
    if known is None:
        status["id"] = call.world.number()
        for one in same:
            one["retried"] = True
        _all(project).append(status)
    return _shown(status)


def _pipeline(call: Call, project: Project, sha: str) -> Thing:
    """Find the newest pipeline of the commit and ref, or make an external one."""
    ref, wanted = call.body.get("ref"), call.body.get("pipeline_id")
    found = [one for one in _pipelines(project)
             if one["sha"] == sha and ref in (None, one["ref"])]  # fmt: skip
    if wanted is not None:
        found = [one for one in found if one["id"] == int(wanted)]
        if not found:
            words = "404 Pipeline for pipeline_id, sha and ref Not Found"
            raise Refusal(404, {"message": words})
    if found:
        return found[-1]
    made = {"id": call.world.number(), "sha": sha, "ref": ref or project.default_branch,
            "source": "external", "project_id": project.id}  # fmt: skip
    _pipelines(project).append(made)
    return made


def _problems(name: str, given: Thing) -> Iterator[tuple[str, list[str]]]:
    long = f"is too long (maximum is {_LONGEST} characters)"
    for key, text in {"name": name, **given}.items():
        if key != "coverage" and len(str(text)) > _LONGEST:
            yield key, [long]
    url = str(given.get("target_url") or "https://")
    if not url.startswith(("http://", "https://")):
        yield "target_url", ["is blocked: Only allowed schemes are http, https"]


def _shown(status: Thing) -> Thing:
    empty = dict.fromkeys(_FROM_OUTSIDE)
    hidden = ("user", "retried")
    shown = {**empty, **{key: value for key, value in status.items() if key not in hidden}}
    return {**shown, "author": {"username": status["user"]}}


def _all(project: Project) -> list[Thing]:
    return project.things.setdefault("statuses", [])


def _pipelines(project: Project) -> list[Thing]:
    return project.things.setdefault("pipelines", [])

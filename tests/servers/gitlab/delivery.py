"""Environments, deployments, releases and comments, with GitLab's rules for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from servers.gitlab.call import DEVELOPER, MAINTAINER, REPORTER, Answer, Call, Refusal, route
from servers.gitlab.code import resolve
from servers.gitlab.pages import page
from servers.gitlab.world import Project

Thing = dict[str, Any]

_STATUSES = ("running", "success", "failed", "canceled")
_TIERS = ("production", "staging", "testing", "development", "other")


@route("GET", "/projects/:id/environments", job=True)
def environments(call: Call) -> Answer:
    """List environments, or the one with a name."""
    found = _things(call.project(REPORTER), "environments")
    for query, key in (("name", "name"), ("states", "state")):
        if query in call.query:
            found = [one for one in found if one[key] == call.query[query]]
    return page(call, found)


@route("GET", "/projects/:id/environments/:key", job=True)
def environment(call: Call) -> Any:
    """Describe one."""
    return _one(_things(call.project(REPORTER), "environments"), call.place["key"])


@route("POST", "/projects/:id/environments", job=True)
def add_environment(call: Call) -> Answer:
    """Add one."""
    project, name = call.project(DEVELOPER), call.body.get("name")
    if not name:
        raise Refusal(400, {"error": "name is missing"})
    if any(one["name"] == name for one in _things(project, "environments")):
        raise Refusal(400, {"message": {"name": ["has already been taken"]}})
    return Answer(_changed(_environment(call, project, name), call.body), 201)


@route("PUT", "/projects/:id/environments/:key", job=True)
def change_environment(call: Call) -> Any:
    """Change address and tier; nothing else can be changed."""
    found = _one(_things(call.project(DEVELOPER), "environments"), call.place["key"])
    return _changed(found, call.body)


@route("POST", "/projects/:id/environments/:key/stop", job=True)
def stop_environment(call: Call) -> Answer:
    """Stop one; without `force`, its `on_stop` job would run, and an external one has none."""
    found = _one(_things(call.project(DEVELOPER), "environments"), call.place["key"])
    found["state"] = "stopped"
    return Answer(found, 200)


@route("DELETE", "/projects/:id/environments/:key", job=True)
def delete_environment(call: Call) -> Answer:
    """Delete one, which has to be stopped."""
    things = _things(call.project(DEVELOPER), "environments")
    found = _one(things, call.place["key"])
    if found["state"] != "stopped":
        raise Refusal(403, {"message": "403 Forbidden"})
    things.remove(found)
    return Answer(status=204)


@route("GET", "/projects/:id/deployments")
def deployments(call: Call) -> Answer:
    """List deployments, the oldest first unless the query says otherwise."""
    found = _things(call.project(REPORTER), "deployments")
    if "environment" in call.query:
        found = [one for one in found if one["environment"]["name"] == call.query["environment"]]
    if "status" in call.query:
        found = [one for one in found if one["status"] == call.query["status"]]
    shown = [_deployment(one) for one in found]
    return page(call, shown[::-1] if call.query.get("sort") == "desc" else shown)


@route("POST", "/projects/:id/deployments")
def deploy(call: Call) -> Answer:
    """Create a deployment, and its environment if it is new; a stopped one starts."""
    project, body = call.project(DEVELOPER), call.body
    needed = ("environment", "sha", "ref", "tag", "status")
    if missing := [f"{name} is missing" for name in needed if body.get(name) is None]:
        raise Refusal(400, {"error": ", ".join(missing)})
    if body["status"] not in _STATUSES:
        raise Refusal(400, {"error": "status does not have a valid value"})
    if resolve(project, body["sha"]) != body["sha"]:
        raise Refusal(400, {"message": {"sha": ["The commit does not exist"]}})
    known = [one for one in _things(project, "environments") if one["name"] == body["environment"]]
    at = known[0] if known else _environment(call, project, body["environment"])
    if body["status"] == "success":
        at["state"] = "available"
    made = {"id": call.world.number(), "iid": len(_things(project, "deployments")) + 1,
            "sha": body["sha"], "ref": body["ref"], "status": body["status"], "environment": at,
            "created_at": datetime.now(UTC).isoformat(), "deployable": None,
            "user": {"username": call.signed_in().user}}  # fmt: skip
    _things(project, "deployments").append(made)
    return Answer(_deployment(made), 201)


@route("GET", "/projects/:id/releases", job=True)
def releases(call: Call) -> Answer:
    """List releases."""
    public = call.project().visibility == "public"
    found = _things(call.project(0 if public else REPORTER), "releases")
    return page(call, [_released(call, one) for one in found])


@route("GET", "/projects/:id/releases/:tag", job=True)
def release_of_tag(call: Call) -> Any:
    """Describe one."""
    public = call.project().visibility == "public"
    for one in _things(call.project(0 if public else REPORTER), "releases"):
        if one["tag_name"] == call.place["tag"]:
            return _released(call, one)
    raise Refusal(404, {"message": "404 Not Found"})


@route("POST", "/projects/:id/releases", job=True)
def release(call: Call) -> Answer:
    """Create a release, and its tag if it is new and the ref is given; a tag has one release."""
    project, tag = call.project(DEVELOPER), call.body.get("tag_name")
    if not tag:
        raise Refusal(400, {"error": "tag_name is missing"})
    if any(one["tag_name"] == tag for one in _things(project, "releases")):
        raise Refusal(409, {"message": "Release already exists"})
    if project.git("rev-parse", "--verify", f"refs/tags/{tag}") is None:
        ref = call.body.get("ref")
        if not ref:
            raise Refusal(422, {"message": "Ref is not specified"})
        if project.git("tag", tag, ref) is None:
            raise Refusal(400, {"message": "Target is invalid"})
    made = {"name": tag, "description": None, **call.body}
    _things(project, "releases").append(made)
    return Answer(_released(call, made), 201)


@route("GET", "/projects/:id/merge_requests/:iid/notes")
def notes(call: Call) -> Answer:
    """List the comments of a merge request."""
    return page(call, _notes(call, REPORTER))


@route("POST", "/projects/:id/merge_requests/:iid/notes")
def comment(call: Call) -> Answer:
    """Comment on a merge request."""
    token, body = call.signed_in(), call.body.get("body")
    if not body:
        raise Refusal(400, {"error": "body is missing"})
    author = {"id": token.id, "username": token.user}
    made = {"id": call.world.number(), "body": body, "author": author, "system": False}
    _notes(call, REPORTER).append(made)
    return Answer(made, 201)


@route("PUT", "/projects/:id/merge_requests/:iid/notes/:key")
def change_comment(call: Call) -> Any:
    """Change one's own comment; maintainers may change anybody's."""
    found, token = _one(_notes(call, REPORTER), call.place["key"]), call.signed_in()
    if found["author"]["id"] != token.id:
        call.project(MAINTAINER)
    found["body"] = call.body["body"]
    return found


def _notes(call: Call, level: int) -> list[Thing]:
    project, iid = call.project(level), call.place["iid"]
    if not any(str(one["iid"]) == iid for one in _things(project, "merge_requests")):
        raise Refusal(404, {"message": "404 Merge Request Not Found"})
    return _things(project, f"merge_requests/{iid}/notes")


def _environment(call: Call, project: Project, name: str) -> Thing:
    made = {"id": call.world.number(), "name": name, "external_url": None, "state": "available",
            "tier": "other"}  # fmt: skip
    _things(project, "environments").append(made)
    return made


def _deployment(made: Thing) -> Thing:
    """Show a deployment, with less of its environment than the environment's own address shows."""
    at = {name: made["environment"][name] for name in ("id", "name", "external_url")}
    return {**made, "environment": at}


def _released(call: Call, made: Thing) -> Thing:
    """Show a release: where it was asked to be made is not told, and paths become addresses."""
    shown = {name: value for name, value in made.items() if name not in ("ref", "milestones")}
    at = f"{call.base.rpartition('/api/')[0]}/releases/{made['tag_name']}/downloads"
    links = [
        {name: value for name, value in link.items() if name != "direct_asset_path"}
        | {"direct_asset_url": at + (link.get("direct_asset_path") or f"/{link['name']}")}
        for link in made.get("assets", {}).get("links", [])
    ]
    return {**shown, "assets": {"count": len(links), "links": links}}


def _changed(found: Thing, body: Any) -> Thing:
    if body.get("tier", "other") not in _TIERS:
        raise Refusal(400, {"error": "tier does not have a valid value"})
    url = str(body.get("external_url") or "")
    if url and not url.startswith(("http://", "https://")):
        raise Refusal(400, {"message": {"external_url": ["javascript: URLs are not allowed"]}})
    found.update({name: body[name] for name in ("external_url", "tier") if name in body})
    return found


def _one(found: list[Thing], key: str) -> Thing:
    for one in found:
        if str(one["id"]) == key:
            return one
    raise Refusal(404, {"message": "404 Not found"})


def _things(project: Project, name: str) -> list[Thing]:
    return project.things.setdefault(name, [])

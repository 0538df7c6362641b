"""What the API only stores and gives back: variables, hooks, schedules and merge requests.

A table instead of code: GitLab's places for these are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from servers.gitlab.call import DEVELOPER, MAINTAINER, REPORTER, Answer, Call, Refusal, route
from servers.gitlab.pages import page
from servers.gitlab.world import NOW, Things

_AUTHOR = {"id": 1, "username": "robot", "name": "Robot", "state": "active"}
_VARIABLE = {
    "variable_type": "env_var",
    "protected": False,
    "masked": False,
    "hidden": False,
    "raw": False,
    "description": None,
}
_SCOPED = {**_VARIABLE, "environment_scope": "*"}
_EVENTS = ("push", "tag_push", "merge_requests", "job", "pipeline", "releases")
_HOOK = {"enable_ssl_verification": True, **{f"{kind}_events": kind == "push" for kind in _EVENTS}}
_SCHEDULE = {"cron_timezone": "UTC", "active": True, "variables": [], "owner": _AUTHOR}
_SIGNING = "signing_token"
_HIDDEN = ("token", _SIGNING, "answers")


@dataclass(frozen=True)
class Stored:
    """A kind of thing.

    Attributes:
        key: the field that names one in its path.
        unique: fields that no two may share.
        needed: to create one.
        defaults: fields of the answer.
        hides: fields that never come back.
        apart: fields that a list does not show.
        numbered: they have a number of the instance; counted: and one of the project.
    """

    name: str
    key: str
    needed: tuple[str, ...]
    defaults: Mapping[str, Any]
    read: int = REPORTER
    write: int = DEVELOPER
    unique: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    job: bool = False
    numbered: bool = True
    counted: bool = False


_OF_PROJECTS = (
    Stored("variables", "key", ("key", "value"), _SCOPED, MAINTAINER, MAINTAINER,
           ("key", "environment_scope"), numbered=False),
    Stored("hooks", "id", ("url",), _HOOK, MAINTAINER, MAINTAINER, hides=_HIDDEN),
    Stored("pipeline_schedules", "id", ("description", "ref", "cron"), _SCHEDULE,
           apart=("variables",)),
    Stored("merge_requests", "iid", ("title", "source_branch", "target_branch"),
           {"state": "opened", "author": _AUTHOR}, counted=True),
)  # fmt: skip
_OF_GROUPS = (
    Stored("variables", "key", ("key", "value"), _SCOPED, 50, 50,
           ("key", "environment_scope"), numbered=False),
    Stored("hooks", "id", ("url",), _HOOK, 50, 50, hides=_HIDDEN),
)  # fmt: skip
_OF_INSTANCE = Stored("variables", "key", ("key", "value"), _VARIABLE, unique=("key",),
                      numbered=False)  # fmt: skip


def _things(call: Call, where: str, stored: Stored, *, write: bool) -> list[dict[str, Any]]:
    """Find the list that a call is about; who may not see it is refused."""
    level = stored.write if write else stored.read
    things: Things
    if where == "projects":
        project = call.project()
        public = project.visibility == "public" and not write and level < MAINTAINER
        things = call.project(0 if public else level).things
    elif where == "groups":
        if stored.name == "hooks" and not call.world.version.endswith("-ee"):
            raise Refusal(404, {"error": "404 Not Found"})  # the free GitLab has none of groups
        things = call.group(level).things
    else:
        call.administrator()
        things = call.world.things
    name = stored.name.replace(":iid", call.place.get("iid", ""))
    return things.setdefault(name, [])


def _list(where: str, stored: Stored, call: Call) -> Answer:
    listed = replace(stored, hides=(*stored.hides, *stored.apart))
    found = [_shown(listed, thing) for thing in _things(call, where, stored, write=False)]
    for name in ("state", "environment", "updated_after"):
        if name in call.query and name in stored.defaults and call.query[name] != "all":
            found = [thing for thing in found if thing.get(name) == call.query[name]]
    return page(call, found)


def _find(where: str, stored: Stored, call: Call, *, write: bool = False) -> dict[str, Any]:
    name = call.place["key"]
    scope = call.query.get("filter[environment_scope]")
    found = [
        thing
        for thing in _things(call, where, stored, write=write)
        if str(thing[stored.key]) == name and scope in (None, thing.get("environment_scope"))
    ]
    if not found:
        raise Refusal(404, {"message": "404 Not found"})
    if len(found) > 1:  # as GitLab words it for variables of several scopes
        words = "There are multiple variables with provided parameters. Please use 'filter[...]'"
        raise Refusal(409, {"message": words})
    return found[0]


def _get(where: str, stored: Stored, call: Call) -> Any:
    return _shown(stored, _find(where, stored, call))


def _create(where: str, stored: Stored, call: Call) -> Answer:
    things = _things(call, where, stored, write=True)
    missing = [name for name in stored.needed if call.body.get(name) is None]
    if missing:
        raise Refusal(400, {"error": ", ".join(f"{name} is missing" for name in missing)})
    made = {**stored.defaults, **_understood(stored, call), "created_at": NOW}
    if stored.numbered:
        made["id"] = call.world.number()
        made |= {"iid": len(things) + 1} if stored.counted else {}
    if stored.unique and any(all(made[f] == old[f] for f in stored.unique) for old in things):
        name = stored.unique[0]
        words = {name: [f"({made[name]}) has already been taken"]}
        raise Refusal(400 if stored.name != "releases" else 409, {"message": words})
    if made.pop("masked_and_hidden", False):
        made |= {"masked": True, "hidden": True}
    things.append(made)
    return Answer(_shown(stored, made), 201)


def _update(where: str, stored: Stored, call: Call) -> Any:
    found = _find(where, stored, call, write=True)
    found.update(_understood(stored, call))
    return _shown(stored, found)


def _understood(stored: Stored, call: Call) -> dict[str, Any]:
    """Leave out what an older GitLab ignores in silence: signing tokens of webhooks."""
    old = stored.name == "hooks" and int(call.world.version.partition(".")[0]) < 19
    return {name: value for name, value in call.body.items() if not (old and name == _SIGNING)}


def _delete(where: str, stored: Stored, call: Call) -> Answer:
    things = _things(call, where, stored, write=True)
    things.remove(_find(where, stored, call, write=True))
    return Answer(status=204)


def _shown(stored: Stored, thing: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what never comes back: tokens of hooks, values of hidden variables."""
    hidden: dict[str, Any] = {"value": None} if thing.get("hidden") else {}
    if stored.name == "hooks":
        hidden["signing_token_present"] = _SIGNING in thing
    left_out = {*stored.hides, *(("id", "iid", "created_at") if stored.key == "key" else ())}
    return {name: value for name, value in {**thing, **hidden}.items() if name not in left_out}


def _register(where: str, prefix: str, stored: Stored) -> None:
    one = f"{prefix}/{stored.name}/:key"
    doing: list[tuple[str, str, Callable[..., Any]]] = [
        ("GET", f"{prefix}/{stored.name}", _list),
        ("POST", f"{prefix}/{stored.name}", _create),
        ("GET", one, _get),
        ("PUT", one, _update),
        ("DELETE", one, _delete),
    ]
    for method, pattern, do in doing:
        route(method, pattern, job=stored.job)(partial(do, where, stored))


for _kind in _OF_PROJECTS:
    _register("projects", "/projects/:id", _kind)
for _kind in _OF_GROUPS:
    _register("groups", "/groups/:id", _kind)
_register("instance", "/admin/ci", _OF_INSTANCE)

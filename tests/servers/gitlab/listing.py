"""Projects and groups: one by number or path, and lists as a caller may see them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from servers.gitlab.call import MAINTAINER, Answer, Call, Refusal, route
from servers.gitlab.pages import Keyset, page
from servers.gitlab.world import NOW, Group, Project

_BY_ID = Keyset("id", "id_after", lambda project: project["id"])


def show_project(call: Call, project: Project) -> dict[str, Any]:
    """Describe a project; one without commits has no default branch."""
    group, _, name = project.path.rpartition("/")
    web = call.base.removesuffix("/api/v4")
    owner = call.world.groups[group]
    return {
        "id": project.id,
        "name": name,
        "path": name,
        "path_with_namespace": project.path,
        "name_with_namespace": project.path.replace("/", " / "),
        "default_branch": None if project.is_empty else project.default_branch,
        "visibility": project.visibility,
        "archived": project.archived,
        "topics": list(project.topics),
        "created_at": NOW,
        "last_activity_at": project.last_activity_at,
        "http_url_to_repo": f"{web}/{project.path}.git",
        "ssh_url_to_repo": f"git@gitlab.example.com:{project.path}.git",
        "web_url": f"{web}/{project.path}",
        "ci_config_path": project.config_path,
        "builds_access_level": project.builds,
        "namespace": {
            "id": owner.id,
            "name": group.rpartition("/")[2],
            "path": group.rpartition("/")[2],
            "kind": "user" if owner.person else "group",
            "full_path": group,
        },
    }


def show_group(call: Call, group: Group) -> dict[str, Any]:
    """Describe a group."""
    parent = call.world.groups.get(group.path.rpartition("/")[0])
    name = group.path.rpartition("/")[2]
    return {
        "id": group.id,
        "name": name,
        "path": name,
        "full_name": group.path.replace("/", " / "),
        "full_path": group.path,
        "parent_id": parent.id if parent else None,
        "visibility": group.visibility,
        "web_url": f"{call.base.removesuffix('/api/v4')}/groups/{group.path}",
        "created_at": NOW,
    }


@route("GET", "/projects")
def projects(call: Call) -> Answer:
    """List what the caller may see."""
    return page(call, _chosen(call, call.world.projects.values()), _BY_ID)


@route("GET", "/projects/:id", job=True)
def project(call: Call) -> Any:
    """Describe one."""
    return show_project(call, call.project())


@route("PUT", "/projects/:id")
def change_project(call: Call) -> Any:
    """Rename or describe one."""
    found = call.project(MAINTAINER)
    if path := call.body.get("path"):
        call.world.move(found.path, f"{found.path.rpartition('/')[0]}/{path}")
    if topics := call.body.get("topics"):
        found.topics = tuple(topics)
    return show_project(call, found)


@route("POST", "/projects/:id/archive")
def archive(call: Call) -> Answer:
    """Archive one."""
    found = call.project(50)
    found.archived = True
    return Answer(show_project(call, found), 201)


@route("DELETE", "/projects/:id")
def delete_project(call: Call) -> Answer:
    """Delete one, at once."""
    call.world.projects.pop(call.project(50).path)
    return Answer({"message": "202 Accepted"}, 202)


@route("GET", "/groups")
def groups(call: Call) -> Answer:
    """List what the caller may see."""
    seen = [group for group in call.world.groups.values() if call.world.sees(call.token, group)]
    if call.flag("top_level_only"):
        seen = [group for group in seen if "/" not in group.path]
    return page(call, [show_group(call, group) for group in seen])


@route("GET", "/groups/:id")
def group(call: Call) -> Any:
    """Describe one."""
    return show_group(call, call.group())


@route("GET", "/groups/:id/projects")
def projects_of_group(call: Call) -> Answer:
    """List its projects, with those of subgroups when that is asked for."""
    path = call.group().path
    below = call.world.projects_below(path)
    if not call.flag("include_subgroups"):
        below = (found for found in below if found.path.rpartition("/")[0] == path)
    return page(call, _chosen(call, below))


@route("GET", "/groups/:id/subgroups")
def subgroups(call: Call) -> Answer:
    """List its direct subgroups."""
    path = call.group().path
    found = [one for one in call.world.groups_below(path) if one.path.rpartition("/")[0] == path]
    return page(call, [show_group(call, one) for one in found])


@route("GET", "/groups/:id/descendant_groups")
def descendants(call: Call) -> Answer:
    """List its subgroups at any depth."""
    return page(call, [show_group(call, one) for one in call.world.groups_below(call.group().path)])


def _chosen(call: Call, found: Iterable[Project]) -> list[dict[str, Any]]:
    """Filter and order projects as the query says; the newest come first unless it does."""
    query = call.query
    seen = [one for one in found if call.world.sees(call.token, one)]
    if "archived" in query:
        seen = [one for one in seen if one.archived == call.flag("archived")]
    if topic := query.get("topic"):
        seen = [one for one in seen if set(topic.split(",")) <= set(one.topics)]
    if after := query.get("last_activity_after"):
        seen = [one for one in seen if one.last_activity_at >= after]
    if call.flag("membership"):
        seen = [one for one in seen if call.world.level(call.token, one.path)]
    order = query.get("order_by", "created_at")
    keys = {"id": "id", "created_at": "id", "last_activity_at": "last_activity_at", "path": "path"}
    if order not in keys:
        raise Refusal(400, {"error": "order_by does not have a valid value"})
    shown = [show_project(call, one) for one in seen]
    ascending = query.get("sort") == "asc"
    return sorted(shown, key=lambda one: one[keys[order]], reverse=not ascending)

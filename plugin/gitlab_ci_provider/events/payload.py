"""From the body of a webhook to an event: which project, which ref, and what a run is told.

Changed files are not taken from the body, which lists at most 20 commits of a push: the run
compares the commits before and after it. Nor is the address of the repository: it is below that of
the connection, so that no body can send our login elsewhere.

Unlike GitLab, a merge request from a fork starts nothing: GitLab runs its pipeline in the fork.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.conf import check_conf
from gitlab_ci_provider.model.project import is_commit_id, is_project_path
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.model.webhook_event import WebhookEvent

_NOTHING = "0" * 40
_LONGEST_DESCRIPTION = 2700
"""Characters of CI_MERGE_REQUEST_DESCRIPTION in GitLab."""
_LONGEST_USER = 255
"""Characters; Airflow's database holds a few more."""
_REQUEST_RUNS = frozenset({"open", "update"})


class IgnoredEventError(Exception):
    """An event that means nothing here; the message says why."""


def read_event(body: Mapping[str, Any], event_id: str, server: str, now: float) -> WebhookEvent:
    """Read the body of a webhook.

    Args:
        body: JSON, from GitLab.
        event_id: GitLab's.
        server: address of the GitLab.
        now: in seconds since 1970.

    Raises:
        IgnoredEventError: it is for something else.
        ConfigError: it is not as GitLab's are, or a value is not valid.
    """
    kind = str(body.get("object_kind") or body.get("event_name") or "")
    readers = {"push": _push, "tag_push": _push, "merge_request": _merge_request}
    if kind not in readers:
        raise IgnoredEventError(f"events of the kind '{quoted(kind, 50)}' are not used here")
    path = _text(_mapping(body, "project"), "path_with_namespace")
    if not is_project_path(path):
        raise ConfigError("`project.path_with_namespace` is not the path of a project")
    event = WebhookEvent(
        id=event_id,
        what=kind,
        project=path,
        clone_url=f"{server}/{path}.git",
        received_at=now,
    )
    event = readers[kind](event, body)
    check_conf(event.conf)
    return event


def _push(event: WebhookEvent, body: Mapping[str, Any]) -> WebhookEvent:
    ref, before, after = (_text(body, name) for name in ("ref", "before", "after"))
    name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    check_conf({"ref": ref})
    if name == ref or not name:
        raise ConfigError("`ref` is neither refs/heads/... nor refs/tags/...")
    is_tag = ref.startswith("refs/tags/")
    what = f"{'tag' if is_tag else 'push to'} {quoted(name)}"
    _commit(before)
    if after == _NOTHING:
        kind = "tag" if is_tag else "branch"
        return replace(event, what=what, why_no_run=f"the {kind} {quoted(name)} was deleted")
    options = _mapping(body, "push_options")
    # An annotated tag has an ID of its own; `checkout_sha` is that of its commit.
    sha = _text(body, "checkout_sha") or after
    conf: dict[str, object] = {
        "ref": ref,
        "sha": _commit(sha),
        "before_sha": "" if is_tag else before,
        "source": "push",
        "push_options": options,
        "variables": _option_values(options, "variable"),
        "inputs": _option_values(options, "input"),
    }
    user = quoted(_text(body, "user_username") or _text(body, "user_name"), _LONGEST_USER)
    given = {key: value for key, value in conf.items() if value}
    return replace(event, what=what, ref=ref, conf=given, label=name, user=user)


def _option_values(options: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Read `git push -o ci.variable="NAME=value"`, which GitLab sends as keys of a mapping."""
    given = _mapping(_mapping(options, "ci"), kind)
    pairs = (str(written).partition("=") for written in given)
    return {name: value for name, _, value in pairs if name}


def _merge_request(event: WebhookEvent, body: Mapping[str, Any]) -> WebhookEvent:
    request = _mapping(body, "object_attributes")
    source, target = _text(request, "source_branch"), _text(request, "target_branch")
    iid, action = request.get("iid"), _text(request, "action")
    what = f"merge request !{quoted(str(iid), 20)}, {quoted(action, 20) or 'no action'}"
    if action not in _REQUEST_RUNS or (action == "update" and not request.get("oldrev")):
        raise IgnoredEventError(f"{what}: no new commits, so no pipeline")
    if request.get("source_project_id") != request.get("target_project_id"):
        words = f"{what}: it is from a fork, and its pipeline runs there"
        raise IgnoredEventError(words)
    labels = body.get("labels") or ()
    if not isinstance(labels, list | tuple):
        raise ConfigError("`labels` is not a list")
    titles = [_text(one, "title") for one in labels if isinstance(one, Mapping)]
    conf = {
        "sha": _commit(_text(_mapping(request, "last_commit"), "id")),
        "source": "merge_request_event",
        "merge_request": {
            "iid": iid,
            "source_branch": source,
            "target_branch": target,
            "title": _text(request, "title"),
            "description": _text(request, "description")[:_LONGEST_DESCRIPTION],
            "labels": titles,
            "draft": bool(request.get("draft") or request.get("work_in_progress")),
        },
    }
    user = quoted(_text(_mapping(body, "user"), "username"), _LONGEST_USER)
    ref = f"refs/heads/{source}"
    check_conf({"ref": ref})
    return replace(event, what=what, ref=ref, conf=conf, label=f"mr-{iid}", user=user)


def _commit(sha: str) -> str:
    if sha == _NOTHING or not sha:
        return ""
    if not is_commit_id(sha):
        raise ConfigError("a commit ID has 40 hexadecimal digits")
    return sha


def _mapping(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name) or {}
    if not isinstance(value, Mapping):
        raise ConfigError(f"`{name}` is not a mapping")
    return value


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"`{name}` is not a string")
    return value or ""

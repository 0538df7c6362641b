"""Webhooks of the stand-in: what GitLab sends, and how it proves that it was GitLab."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from servers.gitlab.world import Project, World

NOTHING = "0" * 40
_NAMES = {"push": "Push Hook", "tag_push": "Tag Push Hook", "merge_request": "Merge Request Hook"}
_FLAGS = {"merge_request": "merge_requests_events"}


def push_event(
    project: Project, ref: str, before: str, after: str, options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Describe a push of a branch or tag."""
    gone, kind = after == NOTHING, "tag_push" if ref.startswith("refs/tags/") else "push"
    return {
        "object_kind": kind,
        "event_name": kind,
        "before": before,
        "after": after,
        "ref": ref,
        "checkout_sha": None if gone else after,
        "user_id": 4,
        "user_name": "John Smith",
        "user_username": "jsmith",
        "project_id": project.id,
        "project": _project(project),
        "commits": [] if gone else [{"id": after, "added": [], "modified": [], "removed": []}],
        "total_commits_count": 0 if gone else 1,
        "push_options": dict(options or {}),
    }


def merge_request_event(project: Project, sha: str, **given: Any) -> dict[str, Any]:
    """Describe what happened to a merge request."""
    attributes = {
        "id": 99,
        "iid": 1,
        "action": "open",
        "source_branch": "topic",
        "target_branch": "main",
        "source_project_id": project.id,
        "target_project_id": project.id,
        "title": "Topic",
        "description": "",
        "draft": False,
        "last_commit": {"id": sha},
    }
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": {"id": 4, "name": "John Smith", "username": "jsmith"},
        "project": _project(project),
        "object_attributes": {**attributes, **given},
        "labels": [{"id": 1, "title": "api"}],
    }


def signed(
    body: bytes, kind: str, hook: Mapping[str, Any], event: str = "", at: float | None = None
) -> dict[str, str]:
    """Make the headers of a webhook, as its secret and signing tokens say."""
    event = event or str(uuid.uuid4())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitLab/19.5.0-ee",
        "X-Gitlab-Event": _NAMES.get(kind, kind),
        "X-Gitlab-Event-UUID": event,
        "X-Gitlab-Webhook-UUID": "d9f9a2b4-0000-4000-8000-000000000001",
        "Idempotency-Key": event,
    }
    if token := hook.get("token"):
        headers["X-Gitlab-Token"] = token
    if key := hook.get("signing_token"):
        stamp = str(int(at if at is not None else datetime.now(UTC).timestamp()))
        text = f"{event}.{stamp}.".encode() + body
        secret = base64.b64decode(str(key).removeprefix("whsec_"))
        digest = base64.b64encode(hmac.digest(secret, text, hashlib.sha256)).decode()
        headers |= {"webhook-id": event, "webhook-timestamp": stamp}
        headers["webhook-signature"] = f"v1,{digest}"
    return headers


def deliver(world: World, project: Project, payload: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Send an event to the webhooks of a project and of the groups above; return the answers."""
    kind = payload["object_kind"]
    answers = []
    for hook in _hooks(world, project):
        if hook.get(_FLAGS.get(kind, f"{kind}_events")):
            body = json.dumps(payload).encode()
            answers.append(_sent(hook["url"], body, signed(body, kind, hook)))
            hook.setdefault("answers", []).append(answers[-1])
    return answers


def refs(project: Project) -> dict[str, str]:
    """List the commits of all refs of a project."""
    listed = project.git("for-each-ref", "--format=%(refname) %(objectname)") or b""
    return dict(line.split() for line in listed.decode().splitlines())


def deliver_changes(world: World, project: Project, before: Mapping[str, str]) -> None:
    """Report each ref that a push has changed."""
    after = refs(project)
    for ref in sorted({*before, *after}):
        old, new = before.get(ref, NOTHING), after.get(ref, NOTHING)
        if old != new:
            deliver(world, project, push_event(project, ref, old, new))


def _hooks(world: World, project: Project) -> list[dict[str, Any]]:
    above = [group for path, group in world.groups.items() if project.path.startswith(f"{path}/")]
    owners = [project.things, *(group.things for group in above)]
    return [hook for things in owners for hook in things.get("hooks", [])]


def _project(project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.path.rpartition("/")[2],
        "path_with_namespace": project.path,
        "default_branch": project.default_branch,
        "web_url": f"https://elsewhere.example.com/{project.path}",
        "git_http_url": f"https://elsewhere.example.com/{project.path}.git",
    }


def _sent(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    request = urllib.request.Request(url, body, dict(headers), method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        # GitLab waits for ten seconds, which a busy machine of tests may need for nothing.
        with opener.open(request, timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except OSError as problem:
        return 0, str(problem)

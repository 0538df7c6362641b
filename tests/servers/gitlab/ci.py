"""Callers, the instance, and what belongs to pipelines: lint, templates, job tokens."""

from __future__ import annotations

from typing import Any

import yaml

from servers.gitlab.call import DEVELOPER, Answer, Call, Refusal, route
from servers.gitlab.code import resolve
from servers.gitlab.pages import page
from servers.gitlab.world import NOW, Project

_NO_JOBS = ("stages", "variables", "include", "default", "workflow", "image", "spec")


@route("GET", "/version", "read_user")
def version(call: Call) -> Any:
    """Say which GitLab this claims to be."""
    call.signed_in()
    return {"version": call.world.version, "revision": "0123abcd", "enterprise": True, "kas": {}}


@route("GET", "/user", "read_user")
def user(call: Call) -> Any:
    """Describe the caller; tokens of groups and projects belong to bots."""
    token = call.signed_in()
    return {
        "id": token.id,
        "username": token.user,
        "name": token.user,
        "state": "active",
        "bot": token.kind in ("group", "project"),
        "is_admin": token.admin,
        "web_url": f"{call.base.removesuffix('/api/v4')}/{token.user}",
    }


@route("GET", "/personal_access_tokens/self", "read_user", "read_repository", "self_rotate")
def own_token(call: Call) -> Any:
    """Describe the token itself; OAuth's are described elsewhere."""
    token = call.signed_in()
    if token.kind == "oauth":
        raise Refusal(401, {"message": "401 Unauthorized"})
    return {
        "id": token.id,
        "name": f"token of {token.user}",
        "revoked": token.revoked,
        "created_at": NOW,
        "scopes": list(token.scopes),
        "user_id": token.id,
        "active": not token.revoked and not token.expired,
        "expires_at": token.expires_at,
        "last_used_at": NOW,
    }


@route("GET", "/oauth/token/info", "read_user", "read_repository")
def oauth_token(call: Call) -> Any:
    """Describe an OAuth token; it is not below `/api/v4`."""
    token = call.signed_in()
    if token.kind != "oauth":
        raise Refusal(401, {"error": "invalid_token"})
    return {"resource_owner_id": token.id, "scope": list(token.scopes), "expires_in": 7200}


@route("GET", "/job", job=True)
def own_job(call: Call) -> Any:
    """Describe the job that a job token belongs to."""
    if call.signed_in().kind != "job":
        raise Refusal(404, {"message": "404 Not found"})
    return {"id": 77, "name": "test", "status": "running", "stage": "test", "ref": "main"}


@route("GET", "/projects/:id/ci/lint")
def lint(call: Call) -> Any:
    """Check the configuration of a commit."""
    project = call.project(DEVELOPER)
    ref = call.query.get("content_ref") or call.query.get("sha") or project.default_branch
    sha = resolve(project, ref)
    text = project.git("show", f"{sha}:.gitlab-ci.yml") if sha else None
    if sha is None:
        raise Refusal(404, {"message": "404 Commit Not Found"})
    if text is None:
        return {"valid": False, "errors": ["Please provide content of .gitlab-ci.yml"],
                "warnings": [], "merged_yaml": None, "includes": []}  # fmt: skip
    return _linted(call, project, text.decode(), call.flag("include_jobs"))


@route("POST", "/projects/:id/ci/lint")
def lint_text(call: Call) -> Any:
    """Check a text as if it were the project's configuration."""
    project = call.project(DEVELOPER)
    if not isinstance(call.body.get("content"), str):
        raise Refusal(400, {"error": "content is missing"})
    return _linted(call, project, call.body["content"], bool(call.body.get("include_jobs")))


def _linted(call: Call, project: Project, text: str, with_jobs: bool) -> dict[str, Any]:
    """Answer what the test has ordered; else the file as it is, which holds without includes."""
    answer: dict[str, Any] = {"valid": True, "errors": [], "warnings": [], "includes": []}
    tree = yaml.safe_load(text)
    answer["merged_yaml"] = yaml.safe_dump(tree, explicit_start=True, sort_keys=False)
    if with_jobs:
        jobs = {name: job for name, job in tree.items()
                if name not in _NO_JOBS and name[0] != "." and isinstance(job, dict)}  # fmt: skip
        answer["jobs"] = [
            {"name": name, "stage": job.get("stage", "test"), "when": job.get("when", "on_success")}
            for name, job in jobs.items()
        ]
    return {**answer, **(project.lint or {})}


@route("GET", "/templates/gitlab_ci_ymls/:name")
def template(call: Call) -> Any:
    """Give one of the instance's templates, by its name without folder and ending."""
    text = call.world.templates.get(call.place["name"])
    if text is None:
        raise Refusal(404, {"message": "404 gitlab_ci_yml Not Found"})
    return {"name": call.place["name"], "content": text}


@route("GET", "/templates/gitlab_ci_ymls")
def templates(call: Call) -> Answer:
    """List the templates."""
    return page(call, [{"key": name, "name": name} for name in call.world.templates])

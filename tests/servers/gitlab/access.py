"""Who is asking: the kinds of tokens, each in its own header, as GitLab takes them."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from servers.gitlab.call import Refusal, Route
from servers.gitlab.world import Project, Token, World

_ACCESS_TOKENS = ("personal", "group", "project")
_HIGHER = "The request requires higher privileges than provided by the access token."


def identify(world: World, headers: Mapping[str, str], route: Route | None) -> Token | None:
    """Find the caller's token; None is anybody.

    A job token counts only where GitLab takes job tokens; elsewhere its header is not looked at.
    """
    private = headers.get("PRIVATE-TOKEN")
    scheme, _, bearer = headers.get("Authorization", "").partition(" ")
    job = headers.get("JOB-TOKEN")
    if private is not None:
        return _valid(world, private, _ACCESS_TOKENS)
    if scheme == "Bearer":
        return _valid(world, bearer, (*_ACCESS_TOKENS, "oauth"))
    if job is not None and route is not None and route.job:
        return _valid(world, job, ("job",))
    return None


def _valid(world: World, value: str, kinds: tuple[str, ...]) -> Token:
    token = world.tokens.get(value)
    if token is None or token.kind not in kinds:
        raise Refusal(401, {"message": "401 Unauthorized"})
    words = ""
    if token.revoked:
        words = "Token was revoked. You have to re-authorize from the user."
    elif token.expired:
        words = "Token is expired. You can either do re-authorization or token refresh."
    if words:
        raise Refusal(401, {"error": "invalid_token", "error_description": words})
    return token


def check_scope(token: Token | None, route: Route) -> None:
    """Refuse a token whose scopes do not cover a request."""
    if token is None or token.kind == "job":
        return
    enough = {"api", *route.scopes} | ({"read_api"} if route.method in ("GET", "HEAD") else set())
    if not enough & set(token.scopes):
        answer = {"error": "insufficient_scope", "error_description": _HIGHER, "scope": "api"}
        raise Refusal(403, answer)


def may_use_git(world: World, project: Project | None, authorization: str, *, write: bool) -> int:
    """Return the status that git gets; any user name goes with a token."""
    kind, _, encoded = authorization.partition(" ")
    _, _, password = base64.b64decode(encoded).decode().partition(":")
    token = world.tokens.get(password) if kind == "Basic" else None
    if authorization and (token is None or token.revoked or token.expired):
        return 401
    if project is None or not world.sees(token, project):
        return 404 if token else 401
    reads = {"api", "write_repository"} | (set() if write else {"read_repository"})
    if token and token.kind != "job" and not reads & set(token.scopes):
        return 403
    if write and world.level(token, project.path) < 30:
        return 403 if token else 401
    return 200

"""One request to the API and its answer, as handlers see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from servers.gitlab.world import Group, Project, Token, World

GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER = 10, 20, 30, 40, 50
"""GitLab's access levels."""


class Refusal(Exception):  # noqa: N818 - an answer, no mistake
    """An answer that is not what was asked for."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None):
        super().__init__(status, body)
        self.answer = Answer(body, status, headers or {})


@dataclass(frozen=True)
class Answer:
    """What is sent: JSON, or bytes as they are."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A request.

    Attributes:
        path: below `/api/v4`, as the client has encoded it.
        place: values of the path's parameters.
        token: of the caller; None is anybody.
        base: the address of the API, for links.
    """

    world: World
    method: str
    path: str
    place: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    token: Token | None
    base: str

    def flag(self, name: str) -> bool:
        """Return whether the query says yes, in one of the spellings that GitLab takes."""
        return self.query.get(name, "").lower() in ("1", "on", "t", "true", "y", "yes")

    def project(self, level: int = 0) -> Project:
        """Find the project of the path; who may not see it is told that there is none."""
        found = self.world.find_project(self.place["id"])
        if found is None or not self.world.sees(self.token, found):
            raise Refusal(404, {"message": "404 Project Not Found"})
        self._allow(self.world.level(self.token, found.path), level)
        return found

    def group(self, level: int = 0) -> Group:
        """Find the group of the path."""
        found = self.world.find_group(self.place["id"])
        if found is None or not self.world.sees(self.token, found):
            raise Refusal(404, {"message": "404 Group Not Found"})
        self._allow(self.world.level(self.token, found.path), level)
        return found

    def administrator(self) -> None:
        """Let administrators in only."""
        if self.signed_in().admin is False:
            raise Refusal(403, {"message": "403 Forbidden"})

    def signed_in(self) -> Token:
        """Return the caller's token."""
        if self.token is None:
            raise Refusal(401, {"message": "401 Unauthorized"})
        return self.token

    def _allow(self, has: int, needed: int) -> None:
        if needed:
            self.signed_in()
        if has < needed:
            raise Refusal(403, {"message": "403 Forbidden"})


Handler = Callable[[Call], Any]


@dataclass(frozen=True)
class Route:
    """A place of the API.

    Attributes:
        scopes: of tokens, in addition to `api` (and `read_api` for reading).
        job: also for job tokens.
    """

    method: str
    pattern: str
    handler: Handler
    scopes: frozenset[str] = frozenset()
    job: bool = False


ROUTES: list[Route] = []


def route(
    method: str, pattern: str, *scopes: str, job: bool = False
) -> Callable[[Handler], Handler]:
    """Register a handler."""

    def add(handler: Handler) -> Handler:
        ROUTES.append(Route(method, pattern, handler, frozenset(scopes), job))
        return handler

    return add

"""What a repository of an image registry holds: its tags, their age, and their deletion.

A registry that wants a token (`Bearer`) names the server that gives one for the login; redirects
are not followed with a login. Nothing that a registry says is taken for granted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

from gitlab_ci_provider.exceptions import RegistryError
from gitlab_ci_provider.hooks.registry_answers import SECONDS, Answer, ask
from gitlab_ci_provider.image_builds.logins import RegistryLogin, login_for
from gitlab_ci_provider.model.image_reference import ImageReference
from gitlab_ci_provider.model.quoted import quoted

_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.manifest.v1+json"
)
_DIGEST = "Docker-Content-Digest"
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_PAGE = 500
_MOST_TAGS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedImage:
    """An image of a repository; `created` is None when the image does not say."""

    tag: str
    digest: str
    created: datetime | None


class RegistryClient:
    """Asks about one repository; a context manager.

    Args:
        repository: its tag and digest do not count.
        logins: the one with the longest path that covers the repository is used.
        insecure: the registry speaks plain HTTP.
        verify: False does not check its certificate.
    """

    def __init__(
        self,
        repository: ImageReference,
        logins: Sequence[RegistryLogin],
        *,
        insecure: bool = False,
        verify: bool = True,
    ):
        import httpx

        self._name = repository.name
        self._login = login_for(repository.name, logins)
        self._scope = f"repository:{repository.repository}:pull,delete"
        scheme = "http" if insecure else "https"
        self._root = f"{scheme}://{repository.registry}"
        self._path = f"/v2/{repository.repository}"
        self._authorization = ""
        plain = {"Accept-Encoding": "identity"}
        self._http = httpx.Client(verify=verify, timeout=SECONDS, headers=plain)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        self._http.close()

    def images(self) -> Iterator[TaggedImage]:
        """List the images of all tags; none when there is no such repository.

        Raises:
            RegistryError: the registry refuses, or cannot be reached.
        """
        for tag in self._tags():
            manifest = self._ask("GET", f"{self._path}/manifests/{tag}")
            if manifest is not None:
                given = manifest.headers.get(_DIGEST, "")
                digest = given if _SHA256.fullmatch(given) else ""
                yield TaggedImage(tag=tag, digest=digest, created=self._created(manifest))

    def delete(self, digest: str) -> None:
        """Delete an image, and with it all of its tags; one that is gone is no error.

        Raises:
            RegistryError: the registry refuses, or cannot be reached.
        """
        self._ask("DELETE", f"{self._path}/manifests/{digest}")

    def _tags(self) -> Iterator[str]:
        path, seen = f"{self._path}/tags/list?n={_PAGE}", set[str]()
        while path:
            answer = self._ask("GET", path)
            if answer is None:
                return
            found = answer.fields().get("tags")
            tags = {tag for tag in found if _is_tag(tag)} if isinstance(found, list) else set()
            yield from sorted(tags - seen)
            path = self._next(path, answer) if tags - seen else ""
            seen |= tags
            if len(seen) > _MOST_TAGS:
                raise RegistryError(f"{self._name} has more than {_MOST_TAGS} tags")

    def _next(self, path: str, answer: Answer) -> str:
        """Return the path of the next page, which is on the same registry."""
        parts = urlsplit(urljoin(path, answer.next_page))
        return f"{parts.path}?{parts.query}" if answer.next_page else ""

    def _created(self, manifest: Answer) -> datetime | None:
        config = manifest.fields().get("config")
        digest = config.get("digest") if isinstance(config, dict) else ""
        if not _SHA256.fullmatch(str(digest)):
            return None
        blob = self._ask("GET", f"{self._path}/blobs/{digest}")
        text = blob.fields().get("created") if blob is not None else None
        with suppress(ValueError, TypeError):
            moment = datetime.fromisoformat(_microseconds(str(text)))
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return None

    def _ask(self, method: str, path: str) -> Answer | None:
        """Send a request, with the login where that is wanted; None when there is no such thing."""
        import httpx

        try:
            answer = self._sent(method, path)
            if answer.status == HTTPStatus.UNAUTHORIZED and self._login:
                self._authorize(answer)
                answer = self._sent(method, path)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
            words = quoted(str(problem))
            raise RegistryError(f"the registry of {self._name} is out of reach: {words}") from None
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if not answer.is_success:
            raise RegistryError(f"{answer.asked}: {answer.refusal}")
        return answer

    def _sent(self, method: str, path: str) -> Answer:
        headers = {"Accept": _MANIFESTS}
        if self._authorization:
            headers["Authorization"] = self._authorization
        answer = ask(self._http, method, f"{self._root}{path}", headers=headers)
        if answer.elsewhere and method == "GET":  # a store that has the blob: without a login
            return ask(self._http, method, answer.elsewhere)
        return answer

    def _authorize(self, answer: Answer) -> None:
        """Do what the registry asks for: send the login, or get a token for it."""
        import httpx

        login = self._login
        if login is None:
            return
        kind, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
        given = dict(_CHALLENGE.findall(rest))
        basic = httpx.BasicAuth(login.username, login.password)
        if kind.lower() != "bearer":
            request = next(basic.auth_flow(httpx.Request("GET", self._root)))
            self._authorization = request.headers["Authorization"]
            return
        realm = given.get("realm", "")
        if urlsplit(realm).scheme != urlsplit(self._root).scheme:
            raise RegistryError(f"the registry of {self._name} sends logins to {quoted(realm)}")
        params = {"service": given.get("service", ""), "scope": self._scope}
        token = ask(self._http, "GET", realm, params=params, auth=basic)
        if not token.is_success:
            raise RegistryError(f"no token for {self._name}: {token.refusal}")
        body = token.fields()
        self._authorization = f"Bearer {body.get('token') or body.get('access_token')}"


def _microseconds(text: str) -> str:
    """Cut nanoseconds, as Go writes them, to what Python reads."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def _is_tag(found: object) -> bool:
    return isinstance(found, str) and _TAG.fullmatch(found) is not None

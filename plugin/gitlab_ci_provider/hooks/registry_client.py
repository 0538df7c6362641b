"""What a repository of an image registry holds: its tags, their age, and their deletion.

A registry that wants a token (`Bearer`) names the server that gives one for the login; redirects
are not followed with a login.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin, urlsplit

from gitlab_ci_provider.exceptions import RegistryError
from gitlab_ci_provider.image_builds.logins import RegistryLogin, login_for
from gitlab_ci_provider.model.image_reference import ImageReference
from gitlab_ci_provider.model.quoted import quoted

if TYPE_CHECKING:
    import httpx

_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.manifest.v1+json"
)
_DIGEST = "Docker-Content-Digest"
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_PAGE = 500
_SECONDS = 60


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
        self._http = httpx.Client(verify=verify, timeout=_SECONDS)

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
            manifest = self._ask("GET", f"{self._path}/manifests/{tag}", missing=True)
            if manifest is not None:
                digest = manifest.headers.get(_DIGEST, "")
                yield TaggedImage(tag=tag, digest=digest, created=self._created(manifest))

    def delete(self, digest: str) -> None:
        """Delete an image, and with it all of its tags; one that is gone is no error.

        Raises:
            RegistryError: the registry refuses, or cannot be reached.
        """
        self._ask("DELETE", f"{self._path}/manifests/{digest}", missing=True)

    def _tags(self) -> Iterator[str]:
        path = f"{self._path}/tags/list?n={_PAGE}"
        while path:
            answer = self._ask("GET", path, missing=True)
            if answer is None:
                return
            yield from answer.json().get("tags") or ()
            path = self._next(path, answer)

    def _next(self, path: str, answer: httpx.Response) -> str:
        """Return the path of the next page, which is on the same registry."""
        link = answer.links.get("next", {}).get("url", "")
        parts = urlsplit(urljoin(path, link))
        return f"{parts.path}?{parts.query}" if link else ""

    def _created(self, manifest: httpx.Response) -> datetime | None:
        digest = manifest.json().get("config", {}).get("digest", "")
        if not digest:
            return None
        config = self._ask("GET", f"{self._path}/blobs/{digest}", missing=True)
        text = config.json().get("created") if config is not None else None
        with suppress(ValueError, TypeError):
            moment = datetime.fromisoformat(_microseconds(str(text)))
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return None

    def _ask(self, method: str, path: str, *, missing: bool = False) -> httpx.Response | None:
        import httpx

        try:
            answer = self._sent(method, path)
            if answer.status_code == HTTPStatus.UNAUTHORIZED and self._login:
                self._authorize(answer)
                answer = self._sent(method, path)
        except httpx.HTTPError as problem:
            words = quoted(str(problem))
            raise RegistryError(f"the registry of {self._name} is out of reach: {words}") from None
        if answer.status_code == HTTPStatus.NOT_FOUND and missing:
            return None
        if not answer.is_success:
            raise RegistryError(f"{method} {self._root}{path}: {_refusal(answer)}")
        return answer

    def _sent(self, method: str, path: str) -> httpx.Response:
        headers = {"Accept": _MANIFESTS}
        if self._authorization:
            headers["Authorization"] = self._authorization
        answer = self._http.request(method, f"{self._root}{path}", headers=headers)
        if answer.is_redirect and method == "GET":  # to a store that has the blob, without a login
            return self._http.get(urljoin(str(answer.url), answer.headers["Location"]))
        return answer

    def _authorize(self, answer: httpx.Response) -> None:
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
        token = self._http.get(realm, params=params, auth=basic)
        if not token.is_success:
            raise RegistryError(f"no token for {self._name}: {_refusal(token)}")
        body = token.json()
        self._authorization = f"Bearer {body.get('token') or body.get('access_token')}"


def _microseconds(text: str) -> str:
    """Cut nanoseconds, as Go writes them, to what Python reads."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def _refusal(answer: httpx.Response) -> str:
    return f"{answer.status_code} {quoted(answer.text.strip(), 300)}"

"""Answers of a registry, which may be anybody's: neither endless nor slow nor packed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.exceptions import RegistryError
from gitlab_ci_provider.model.quoted import quoted

if TYPE_CHECKING:
    import httpx

LARGEST = 16 * 1024 * 1024
"""Bytes; registries need not take manifests of more than 4 MiB."""

SECONDS = 60
"""For each step of a connection, and for a whole answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a registry has answered.

    Attributes:
        asked: method and address, for people.
        next_page: the address of the next page, as the registry gives it; empty without.
        elsewhere: the address that a redirect leads to; empty for other answers.
    """

    asked: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    next_page: str = ""
    elsewhere: str = ""

    @property
    def is_success(self) -> bool:
        """Whether it is what was asked for."""
        return 200 <= self.status < 300

    @property
    def refusal(self) -> str:
        """The status and the registry's words."""
        return f"{self.status} {quoted(self.body.decode(errors='replace').strip(), 300)}"

    def fields(self) -> Mapping[str, Any]:
        """Read the JSON object that it holds.

        Raises:
            RegistryError: it holds something else.
        """
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise RegistryError(f"{self.asked}: the registry answers no JSON object")
        return found


def ask(client: httpx.Client, method: str, url: str, **given: Any) -> Answer:
    """Send a request and read the whole answer, without following redirects.

    Args:
        client: with a timeout for each step.
        method: of HTTP.
        url: what follows its `?` is not told.
        given: arguments of `httpx.Client.stream`.

    Raises:
        RegistryError: the answer is too long, or takes too long.
        httpx.HTTPError: there is none.
    """
    until = time.monotonic() + SECONDS
    asked, body = f"{method} {url.partition('?')[0]}", bytearray()
    with client.stream(method, url, **given) as answer:
        for part in answer.iter_raw():
            body += part
            if len(body) > LARGEST:
                raise RegistryError(f"{asked}: the answer is larger than {LARGEST} bytes")
            if time.monotonic() > until:
                raise RegistryError(f"{asked}: the answer takes more than {SECONDS} s")
    location = answer.headers.get("Location", "") if answer.is_redirect else ""
    return Answer(
        asked=asked,
        status=answer.status_code,
        headers=answer.headers,
        body=bytes(body),
        next_page=answer.links.get("next", {}).get("url", ""),
        elsewhere=str(answer.url.join(location)) if location else "",
    )

"""Names of images: registry, repository, tag and digest, as Docker's tools read them."""

from __future__ import annotations

import re
from dataclasses import dataclass

DOCKER_HUB = "docker.io"

_HOST = (
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*"
    r"|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
)
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = rf"{_PART}(?:/{_PART})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-f]{32,}"
_NAME = re.compile(rf"({_PATH})(?::({_TAG}))?(?:@({_DIGEST}))?")
_REGISTRY = re.compile(_HOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """Where an image is.

    Attributes:
        registry: host and port; `docker.io` when the name has none.
        repository: without the registry.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"


def parse_reference(text: str) -> ImageReference | None:
    """Read the name of an image; None when it is not one."""
    first, slash, rest = text.partition("/")
    named = bool(slash) and is_registry(first) and _looks_like_host(first)
    registry, path = (first, rest) if named else (DOCKER_HUB, text)
    match = _NAME.fullmatch(path)
    if match is None:
        return None
    repository, tag, digest = match.groups(default="")
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return ImageReference(registry=registry, repository=repository, tag=tag, digest=digest)


def is_registry(text: str) -> bool:
    """Return whether a text is a registry's host, perhaps with a port."""
    return _REGISTRY.fullmatch(text) is not None


def _looks_like_host(text: str) -> bool:
    """Tell `localhost/app` and `example.com/app` from `group/app`, as Docker does."""
    return any(letter in text for letter in ".:") or text == "localhost" or text != text.lower()

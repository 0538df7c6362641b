"""Names of images as an engine and a registry know them."""

from __future__ import annotations

_DEFAULT = "docker.io"
_INDEX = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


def canonical(image: str) -> str:
    """Write a name in full: `ruby` is `docker.io/library/ruby:latest`, as Kubernetes has it."""
    first, slash, rest = image.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = _DEFAULT, image if slash else f"library/{image}"
    if first in _INDEX:
        first = _DEFAULT
        rest = rest if "/" in rest else f"library/{rest}"
    last = rest.rpartition("/")[2]
    return f"{first}/{rest}" if ":" in last or "@" in last else f"{first}/{rest}:latest"


def local_name(image: str) -> str | None:
    """Return the name that Podman gives to an image which was built as `image`, without a registry.

    None for an image that names its registry.
    """
    full = canonical(image)
    prefix = f"{_DEFAULT}/library/"
    return f"localhost/{full.removeprefix(prefix)}" if full.startswith(prefix) else None


def server_of(image: str) -> str:
    """Return the registry of an image, as logins name it."""
    return canonical(image).partition("/")[0]

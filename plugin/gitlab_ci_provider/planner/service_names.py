"""What services are called: host names from image and alias, and names of their containers.

After GitLab Runner: `helpers/container/services` makes host names from the image, and the first
alias that is a DNS label and not in use yet names the container, else it is `svc-N`.

Unlike GitLab, whose pod Kubernetes then refuses, an alias such as `build` is only a host name when
a container of the job itself has that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gitlab_ci_provider.model.workspace import (
    BUILD_CONTAINER,
    HELPER_CONTAINER,
    HOOK_CONTAINER,
    PREPARE_CONTAINER,
)

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_PART = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_HOST = re.compile(rf"{_PART}(?:\.{_PART})*")
_LONGEST_HOST = 253

_VERSION = re.compile(r"(?P<repository>[^@]*?)(?P<tag>:[^:/@]*)?(?P<digest>@.*)?", re.DOTALL)
_PORT = re.compile(r":\d+(?=/|$)")

_TAKEN = frozenset({HOOK_CONTAINER, PREPARE_CONTAINER, BUILD_CONTAINER, HELPER_CONTAINER})


def is_host(name: str) -> bool:
    """Tell whether Kubernetes takes a name for the hosts file of a pod."""
    return len(name) <= _LONGEST_HOST and bool(_HOST.fullmatch(name))


def repository(image: str) -> str:
    """Give the name of an image without its version, and without the port of its registry."""
    found = _VERSION.fullmatch(image)
    return _PORT.sub("", found["repository"] if found else image, count=1)


def tag(image: str) -> str:
    """Give the tag of an image; empty when it has none."""
    found = _VERSION.fullmatch(image)
    return (found["tag"] or "").removeprefix(":") if found else ""


def image_hosts(image: str) -> tuple[str, ...]:
    """List the host names that an image gives its service: `a/b:1` is `a__b` and `a-b`.

    Those with `__` work with GitLab's Docker executor only: Kubernetes takes no such name.
    """
    name = repository(image)
    return tuple(dict.fromkeys((name.replace("/", "__"), name.replace("/", "-"))))


def container_names(aliases: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Name the containers of services, given the aliases of each."""
    seen: set[str] = set()
    first = [_first_free(names, seen) for names in aliases]
    numbers = (f"svc-{number}" for number in range(2 * len(first) + 1))
    free = (name for name in numbers if name not in first)
    return tuple(name or next(free) for name in first)


def _first_free(aliases: Iterable[str], seen: set[str]) -> str:
    """Take the first alias that can be a container's name and is not in use; empty for none."""
    for alias in aliases:
        if alias in seen:
            continue
        seen.add(alias)
        if _LABEL.fullmatch(alias) and alias not in _TAKEN:
            return alias
    return ""

"""Images: which names are valid, in the kubelet's words, and which container needs its image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.runtimes.engine.names import canonical

_DOMAIN = (
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::\d+)?"
)
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"(?:(?P<domain>{_DOMAIN})/)?(?P<path>{_PART}(?:/{_PART})*)")
_TAG = r"(?::[\w][\w.-]{0,127})?"
_DIGEST = r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
_REFERENCE = re.compile(rf"(?:{_NAME.pattern}){_TAG}{_DIGEST}")
_REPOSITORY = re.compile(r"(?:[^/:@]+(?::\d+)?/)?([^:@]*)")


def name_problem(image: str) -> str | None:
    """Say what is wrong with the name of an image; None is nothing."""
    if _REFERENCE.fullmatch(image):
        return None
    problem = "invalid reference format"
    match = _REPOSITORY.match(image)
    if match and match.group(1) != match.group(1).lower():
        problem += f": repository name ({match.group(1)}) must be lowercase"
    problem = f'couldn\'t parse image name "{image}": {problem}'
    return f'Failed to apply default image tag "{image}": {problem}'


def mapped_image(image: str, image_map: Sequence[tuple[str, str]]) -> str:
    """Return the image to take instead of another; the first pattern that fits decides.

    A pattern is for the name as the pod has it, and for its full name.
    """
    names = {image, canonical(image)}
    for pattern, instead in image_map:
        if any(fnmatchcase(name, pattern) for name in names):
            return instead
    return image


def program_problem(spec: Obj) -> str | None:
    """Say why a sidecar cannot run without its image; None when its command says what to run.

    Its image alone would know. A shell in its place would end at once, again and again.
    """
    words = spec.get("command") or spec.get("args") or []
    if words and not words[0].startswith("-"):
        return None
    return (
        f"the embedded cluster runs no images, so it does not know what {spec['image']} runs: "
        "give this container a command whose program is installed on this machine "
        "(`command` or `entrypoint` of a service), or run it on another cluster"
    )

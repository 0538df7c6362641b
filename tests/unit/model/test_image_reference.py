"""Names of images."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.image_reference import ImageReference, parse_reference

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("busybox", ("docker.io", "library/busybox", "", "")),
        ("group/app:1", ("docker.io", "group/app", "1", "")),
        ("localhost/app", ("localhost", "app", "", "")),
        ("localhost:5000/a/b:1.0", ("localhost:5000", "a/b", "1.0", "")),
        ("r.example.com/a__b/c-d:x", ("r.example.com", "a__b/c-d", "x", "")),
        (f"r.example.com/a:1@{DIGEST}", ("r.example.com", "a", "1", DIGEST)),
        ("[::1]:5000/app", ("[::1]:5000", "app", "", "")),
    ],
)
def test_a_name_has_these_parts(text: str, parts: tuple[str, ...]):
    """A first part with a dot or a port, or `localhost`, is a registry, as in Docker."""
    registry, repository, tag, digest = parts
    wanted = ImageReference(registry=registry, repository=repository, tag=tag, digest=digest)

    assert parse_reference(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "UPPER", "a//b", "a:", "a b", "a,b", "-a", "http://host/a", "a:1\n", "a@sha256:1"]
)
def test_what_is_not_a_name_is_none(text: str):
    """Nothing is guessed."""
    assert parse_reference(text) is None

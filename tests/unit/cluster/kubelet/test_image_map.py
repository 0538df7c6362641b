"""Images that stand for others."""

from __future__ import annotations

import pytest

from gitlab_ci_cluster.kubelet.images import mapped_image

MAP = (("node:*", "localhost/debian-node"), ("*/python:3*", "this-machine"), ("*", "debian:12"))


@pytest.mark.parametrize(
    ("image", "instead"),
    [
        ("node:20", "localhost/debian-node"),
        ("docker.io/library/node:20", "debian:12"),
        ("python:3.12", "this-machine"),
        ("ruby", "debian:12"),
    ],
)
def test_the_first_pattern_that_fits_decides(image: str, instead: str):
    """For the name as it is written, and for the full one."""
    assert mapped_image(image, MAP) == instead


def test_without_a_pattern_that_fits_an_image_is_itself():
    """Nothing is replaced in silence."""
    assert mapped_image("ruby:3", MAP[:1]) == "ruby:3"

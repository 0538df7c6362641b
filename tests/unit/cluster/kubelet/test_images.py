"""Names of images."""

from __future__ import annotations

import pytest

from gitlab_ci_cluster.kubelet.images import name_problem


@pytest.mark.parametrize(
    "image",
    ["alpine", "docker.io/library/busybox:1.35", "localhost:5000/a/b", "a@sha256:" + "0" * 64],
)
def test_good_image_names(image: str):
    """Domains, ports, tags and digests."""
    assert name_problem(image) is None


@pytest.mark.parametrize("image", ["UPPER", "a b", "a/UPPER:1", "a:", ":1", "a//b", "-a"])
def test_bad_image_names(image: str):
    """The kubelet would say InvalidImageName."""
    assert "invalid reference format" in (name_problem(image) or "")

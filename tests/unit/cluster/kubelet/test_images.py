"""Images: their names, and who needs one."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_cluster.kubelet.images import name_problem, program_problem


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


@pytest.mark.parametrize(
    ("spec", "runs"),
    [
        ({"command": ["redis-server"]}, True),
        ({"args": ["redis-server", "--port", "1"]}, True),
        ({"command": ["sh"], "args": ["-c", "x"]}, True),
        ({"args": ["-c", "fsync=off"]}, False),
        ({}, False),
    ],
)
def test_a_sidecar_needs_a_program(spec: dict[str, Any], runs: bool):
    """Only its image would know what to run; flags for it are no program."""
    assert (program_problem({"image": "postgres:16", **spec}) is None) is runs

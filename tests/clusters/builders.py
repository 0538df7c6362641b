"""What builds images on a real Kubernetes: Debian's buildah, or Kaniko or BuildKit if given."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from clusters.added_images import add_buildkit, add_image, add_kaniko
from clusters.target import Target
from engines.podman import make_buildah, make_rootless
from gitlab_ci_provider.model.image_build import EngineName

KANIKO = "GITLAB_CI_TESTS_KANIKO"
"""Names Kaniko's executor, which then builds in buildah's place."""

BUILDKIT = "GITLAB_CI_TESTS_BUILDKIT"
"""Names a folder with BuildKit's programs, and its script for builds without a daemon."""


@dataclass(frozen=True)
class Builder:
    """An engine, and its image."""

    engine: EngineName
    image: str


def served_builder(target: Target) -> Builder:
    """Let a cluster pull an engine by the name that it has everywhere."""
    if target.images is None:
        pytest.skip("gives the cluster an image of the engine, which only --kubernetes takes")
    if executor := os.environ.get(KANIKO):
        add_kaniko(target.images, Path(executor))
        return Builder("kaniko", "ghcr.io/osscontainertools/kaniko:v1.28.3-debug")
    if programs := os.environ.get(BUILDKIT):
        add_buildkit(target.images, make_rootless(), Path(programs))
        return Builder("buildkit", "docker.io/moby/buildkit:rootless")
    add_image(target.images, "stable", make_buildah(), Cmd=["bash"])
    return Builder("buildah", "quay.io/buildah/stable:latest")

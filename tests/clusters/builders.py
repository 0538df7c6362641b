"""What builds images in containers: Debian's buildah, or Kaniko or BuildKit if given."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from clusters.added_images import add_buildkit, add_image, add_kaniko, add_stand_in
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


def served_builder(blobs: Path | None) -> Builder:
    """Let a cluster pull an engine by the name that it has everywhere.

    Args:
        blobs: folder of the registry that the cluster pulls from; None where nobody can add to it.
    """
    if blobs is None:
        pytest.skip("gives the cluster an image of the engine, which only --kubernetes takes")
    if executor := os.environ.get(KANIKO):
        add_kaniko(blobs, Path(executor))
        return Builder("kaniko", "ghcr.io/osscontainertools/kaniko:v1.28.3-debug")
    if programs := os.environ.get(BUILDKIT):
        add_buildkit(blobs, make_rootless(), Path(programs))
        return Builder("buildkit", "docker.io/moby/buildkit:rootless")
    add_image(blobs, "stable", make_buildah(), Cmd=["bash"])
    return Builder("buildah", "quay.io/buildah/stable:latest")


def serve_executor(blobs: Path) -> None:
    """Let a cluster pull what jobs that are written for Kaniko run in."""
    if executor := os.environ.get(KANIKO):
        add_kaniko(blobs, Path(executor))
    else:
        add_stand_in(blobs, make_buildah())

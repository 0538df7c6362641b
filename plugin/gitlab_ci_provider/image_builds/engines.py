"""The engines by name, and the way from a build to its container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.image_builds.buildah import BUILDAH
from gitlab_ci_provider.image_builds.buildkit import BUILDKIT
from gitlab_ci_provider.image_builds.checks import problems
from gitlab_ci_provider.image_builds.engine import BuildContainer, Engine
from gitlab_ci_provider.image_builds.kaniko import KANIKO
from gitlab_ci_provider.image_builds.paths import paths_in_volumes
from gitlab_ci_provider.model.image_build import EngineName, ImageBuild

ENGINES: Mapping[EngineName, Engine] = {
    "kaniko": KANIKO,
    "buildkit": BUILDKIT,
    "buildah": BUILDAH,
}


def build_container(build: ImageBuild, engine: Engine) -> BuildContainer:
    """Return the container that builds an image.

    Raises:
        SystemFailure: the build is wrong, or the engine cannot do it; all that is wrong is named.
    """
    found = problems(build) or engine.unsupported(build)
    if found:
        listed = "; ".join(str(problem) for problem in found)
        raise ConfigurationFailure(f"the image build is wrong: {listed}")
    return replace(engine.container(build), reads=tuple(paths_in_volumes(build)))

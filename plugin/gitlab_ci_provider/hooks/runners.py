"""The runners of an installation."""

from __future__ import annotations

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.settings import Settings


def built_in(settings: Settings) -> RunnerProfile:
    """Make the runner of an installation that has no file of runners; it takes every job."""
    return RunnerProfile(
        name="default",
        namespace=settings.namespace,
        image=settings.default_image,
        helper_image=settings.helper_image,
    )

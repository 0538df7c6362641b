"""Whether the patches of a runner fit a pod: they are tried on that of a plain job."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.runner import RunnerProfile


def pod_problems(runner: RunnerProfile) -> Iterator[str]:
    """Say which patch does not fit, before a job does."""
    if not runner.pod_patches:
        return
    from gitlab_ci_provider.pods.pod import PodRequest, build_pod  # few runners need it

    image = Image(name="image")
    request = PodRequest(
        name="check", image=image, profile=runner, deadline=1, labels={}, annotations={}
    )
    try:
        build_pod(request)
    except SystemFailure as problem:
        yield str(problem)

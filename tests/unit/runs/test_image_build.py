"""What a task reads from the pod of its image build."""

from __future__ import annotations

import pytest
from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.image_build import ImageBuild
from gitlab_ci_provider.runs.image_build import built_image

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
BUILD = ImageBuild(context="dir:///workspace", destinations=("r.example.com/group/app:1",))


def _pod(message: str) -> k8s.V1Pod:
    ended = k8s.V1ContainerStateTerminated(exit_code=0, message=message)
    status = k8s.V1ContainerStatus(
        name="base",
        image="engine",
        image_id="",
        ready=False,
        restart_count=0,
        state=k8s.V1ContainerState(terminated=ended),
    )
    return k8s.V1Pod(status=k8s.V1PodStatus(container_statuses=[status]))


@pytest.mark.parametrize("message", [DIGEST, f"{DIGEST}\n"])
def test_the_digest_is_all_that_an_engine_leaves(message: str):
    """Some engines end it with a line's end."""
    assert built_image(BUILD, _pod(message), "base") == {
        "image": f"r.example.com/group/app@{DIGEST}",
        "digest": DIGEST,
        "tags": ["r.example.com/group/app:1"],
    }


@pytest.mark.parametrize("message", ["", f"{DIGEST} {DIGEST}", f"x{DIGEST}", DIGEST.upper()])
def test_a_message_that_is_more_than_a_digest_is_not_believed(message: str):
    """Commands of a Dockerfile may have written into it."""
    with pytest.raises(SystemFailure, match="without telling the digest"):
        built_image(BUILD, _pod(message), "base")

"""Names of images in full."""

from __future__ import annotations

import pytest

from gitlab_ci_cluster.runtimes.engine.names import canonical, local_name

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ("ruby", "docker.io/library/ruby:latest"),
        ("ruby:3.3", "docker.io/library/ruby:3.3"),
        ("bitnami/redis", "docker.io/bitnami/redis:latest"),
        ("index.docker.io/ruby", "docker.io/library/ruby:latest"),
        ("r.example.com/a/b:1", "r.example.com/a/b:1"),
        ("localhost/a", "localhost/a:latest"),
        ("r.example.com:5000/a", "r.example.com:5000/a:latest"),
        (f"ruby@{DIGEST}", f"docker.io/library/ruby@{DIGEST}"),
        (f"r.example.com:5000/a@{DIGEST}", f"r.example.com:5000/a@{DIGEST}"),
    ],
)
def test_a_name_is_completed_as_kubernetes_does(image: str, wanted: str):
    """With registry, repository, and tag or digest."""
    assert canonical(image) == wanted


def test_only_an_image_without_a_registry_may_be_one_that_was_built_here():
    """`podman build -t app` calls it `localhost/app:latest`."""
    assert local_name("app") == "localhost/app:latest"
    assert local_name("app:2") == "localhost/app:2"
    assert local_name("r.example.com/app") is None
    assert local_name("group/app") is None

"""Host names of services, and names of their containers."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.planner.service_names import container_names, image_hosts, tag


@pytest.mark.parametrize(
    ("image", "hosts"),
    [
        ("postgres", ("postgres",)),
        ("postgres:16", ("postgres",)),
        ("tutum/wordpress:latest", ("tutum__wordpress", "tutum-wordpress")),
        ("registry.io:5000/a/b:1", ("registry.io__a__b", "registry.io-a-b")),
        ("registry.io/a@sha256:" + "0" * 64, ("registry.io__a", "registry.io-a")),
        ("localhost:5000/a", ("localhost__a", "localhost-a")),
    ],
)
def test_host_names_of_an_image(image: str, hosts: tuple[str, ...]):
    """Without version and port, `/` is `__` and `-`, as in the runner's own tests."""
    assert image_hosts(image) == hosts


def test_the_tag_of_an_image():
    """The port of a registry is not one."""
    assert (tag("r:5000/a:1@sha256:0"), tag("r:5000/a")) == ("1", "")


@pytest.mark.parametrize(
    ("aliases", "names"),
    [
        ([("db",), ("cache", "store")], ("db", "cache")),
        ([(), ()], ("svc-0", "svc-1")),
        ([("db",), ("db",)], ("db", "svc-0")),
        ([("db",), ("db", "other")], ("db", "other")),
        ([("a.b",), ("x" * 64,), ("ok",)], ("svc-0", "svc-1", "ok")),
        ([("build", "helper", "prepare")], ("svc-0",)),
        ([("svc-0",), ()], ("svc-0", "svc-1")),
    ],
)
def test_names_of_containers(aliases: list[tuple[str, ...]], names: tuple[str, ...]):
    """The first alias that is a DNS label and free, else `svc-N`; no two are the same."""
    assert container_names(aliases) == names

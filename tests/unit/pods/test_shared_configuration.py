"""Models of the Kubernetes client share one configuration where many are made."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
from kubernetes.client import Configuration, V1VolumeMount

from gitlab_ci_provider.pods.shared_configuration import shared_configuration


@pytest.fixture(autouse=True)
def default() -> Iterator[None]:
    """Set a default that can be told from any other, and put back what was there."""
    before = Configuration.get_default_copy()
    Configuration.set_default(_configuration("https://first"))
    yield
    Configuration.set_default(before)


def _configuration(host: str) -> Configuration:
    configuration = Configuration()
    configuration.host = host
    return configuration


def _mount() -> V1VolumeMount:
    return V1VolumeMount(name="a", mount_path="/a")


def test_models_in_the_block_share_the_configuration_and_so_do_their_copies() -> None:
    """No model copies it, neither when it is made nor when it is copied."""
    with shared_configuration():
        first, second = _mount(), _mount()

    copied = copy.deepcopy(first)

    assert first.local_vars_configuration is second.local_vars_configuration
    assert copied.local_vars_configuration is first.local_vars_configuration
    assert copied == first


def test_after_the_block_configurations_are_copied_as_before() -> None:
    """A client that is made later may change its configuration without changing that of others."""
    with shared_configuration():
        pass

    changed = Configuration.get_default_copy()
    changed.host = "https://changed"

    assert Configuration.get_default_copy().host == "https://first"


def test_a_default_that_is_set_in_the_block_stays() -> None:
    """A connection that is opened in the block is the one that later clients use."""
    with shared_configuration():
        Configuration.set_default(_configuration("https://second"))

    assert Configuration.get_default_copy().host == "https://second"

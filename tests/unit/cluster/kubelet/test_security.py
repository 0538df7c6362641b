"""What a pod's security context lets a container do."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_cluster.kubelet.security import rights

UNCONFINED = {"type": "Unconfined"}
OWN = {"type": "Localhost", "localhostProfile": "mine"}
USUAL = {"type": "RuntimeDefault"}


@pytest.mark.parametrize(
    ("pod", "container", "profiles"),
    [
        ({}, {}, ()),
        ({"seccompProfile": UNCONFINED}, {}, ("seccomp=unconfined",)),
        ({"seccompProfile": UNCONFINED}, {"seccompProfile": USUAL}, ()),
        ({}, {"seccompProfile": OWN}, ()),
        ({"appArmorProfile": UNCONFINED}, {}, ("apparmor=unconfined",)),
        ({"appArmorProfile": UNCONFINED}, {"appArmorProfile": OWN}, ("apparmor=mine",)),
        ({}, {"appArmorProfile": USUAL}, ()),
        (
            {},
            {"seccompProfile": UNCONFINED, "appArmorProfile": UNCONFINED},
            ("seccomp=unconfined", "apparmor=unconfined"),
        ),
    ],
)
def test_profiles_of_the_container_win_over_those_of_the_pod(
    pod: dict[str, Any], container: dict[str, Any], profiles: tuple[str, ...]
):
    """The runtime's own is not named, and a seccomp profile of the node is none that it has."""
    spec = {"spec": {"securityContext": pod}}

    assert rights(spec, {"securityContext": container})["profiles"] == profiles

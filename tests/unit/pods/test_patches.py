"""Changes that a runner makes to a finished pod's spec."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.runner_parts import PodPatch
from gitlab_ci_provider.pods.manifest import to_manifest
from gitlab_ci_provider.pods.patches import patched

SPEC = k8s.V1PodSpec(
    containers=[
        k8s.V1Container(name="build", image="ruby", env=[k8s.V1EnvVar(name="A", value="1")]),
        k8s.V1Container(name="helper", image="helper"),
    ],
    tolerations=[k8s.V1Toleration(key="gpu")],
    node_selector={"disk": "ssd"},
)


def apply(kind: Any, patch: object) -> dict[str, Any]:
    """Apply one patch, and write the spec as Kubernetes does."""
    changed = patched(SPEC, [PodPatch(name="p", type=kind, patch=patch)], "r")
    return to_manifest(changed)


def test_without_patches_the_spec_stays_the_same_object():
    """Most runners have none, and pay nothing."""
    assert patched(SPEC, [], "r") is SPEC


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("merge", {"hostname": "h", "nodeSelector": None}),
        ("strategic", {"hostname": "h", "nodeSelector": {"$patch": "delete"}}),
        (
            "json",
            [
                {"op": "add", "path": "/hostname", "value": "h"},
                {"op": "remove", "path": "/nodeSelector"},
            ],
        ),
    ],
)
def test_each_type_adds_and_removes(kind: str, patch: object):
    """The three types are those of `kubectl patch`."""
    changed = apply(kind, patch)

    assert changed["hostname"] == "h"
    assert "nodeSelector" not in changed
    assert len(changed["containers"]) == 2


def test_a_strategic_patch_tells_containers_apart_by_name():
    """One field of one container can be changed; other lists are replaced, as in Kubernetes."""
    container = {"name": "build", "tty": True, "env": [{"name": "B", "value": "2"}]}
    changed = apply("strategic", {"containers": [container], "tolerations": [{"key": "spot"}]})

    build, helper = changed["containers"]
    assert (build["image"], build["tty"]) == ("ruby", True)
    assert [one["name"] for one in build["env"]] == ["A", "B"]
    assert helper["image"] == "helper"
    assert changed["tolerations"] == [{"key": "spot"}]


def test_a_strategic_patch_may_remove_and_replace():
    """`$patch: delete` removes an item, `$patch: replace` the rest of a list."""
    removed = apply("strategic", {"containers": [{"name": "helper", "$patch": "delete"}]})
    replaced = apply(
        "strategic", {"containers": [{"$patch": "replace"}, {"name": "only", "image": "x"}]}
    )

    assert [one["name"] for one in removed["containers"]] == ["build"]
    assert [one["name"] for one in replaced["containers"]] == ["only"]


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("json", [{"op": "remove", "path": "/nothing"}]),
        ("json", "text"),
        ("strategic", {"containers": [{"image": "without a name"}]}),
    ],
)
def test_a_patch_that_does_not_fit_is_named(kind: str, patch: object):
    """The message says which patch of which runner it is."""
    with pytest.raises(SystemFailure, match="the pod patch 'p' of the runner 'r' does not fit"):
        apply(kind, patch)

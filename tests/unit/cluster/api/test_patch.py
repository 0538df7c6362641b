"""Patches of every type."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_cluster.api.patch import apply_patch
from gitlab_ci_cluster.objects.errors import ApiError

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"

POD: dict[str, Any] = {
    "metadata": {"labels": {"a": "b"}, "finalizers": ["x"]},
    "spec": {"containers": [{"name": "main", "image": "1", "env": [{"name": "A", "value": "1"}]}]},
}


def test_merge_patch_removes_by_null_and_replaces_lists():
    """RFC 7396."""
    patch = {"metadata": {"labels": {"a": None, "c": "d"}}, "spec": {"containers": []}}

    assert apply_patch(POD, patch, MERGE) == {
        "metadata": {"labels": {"c": "d"}, "finalizers": ["x"]},
        "spec": {"containers": []},
    }


def test_strategic_patch_joins_lists_by_their_key():
    """Containers are one by name, variables too; plain lists that merge are added to."""
    change = {"name": "main", "env": [{"name": "B", "value": "2"}]}
    patch = {"metadata": {"finalizers": ["y"]}, "spec": {"containers": [change, {"name": "new"}]}}

    patched = apply_patch(POD, patch, STRATEGIC)

    main, new = patched["spec"]["containers"]
    assert main["image"] == "1"
    assert [one["name"] for one in main["env"]] == ["A", "B"]
    assert new == {"name": "new"}
    assert patched["metadata"]["finalizers"] == ["x", "y"]


def test_strategic_patch_obeys_directives():
    """`$patch: delete` and `replace`, `$deleteFromPrimitiveList`, `$setElementOrder`."""
    patch = {
        "metadata": {
            "$deleteFromPrimitiveList/finalizers": ["x"],
            "labels": {"$patch": "replace", "z": "1"},
        },
        "spec": {
            "$setElementOrder/containers": [{"name": "main"}],
            "containers": [{"name": "main", "$patch": "delete"}],
        },
    }

    assert apply_patch(POD, patch, STRATEGIC) == {
        "metadata": {"labels": {"z": "1"}, "finalizers": []},
        "spec": {"containers": []},
    }


def test_json_patch_adds_and_removes():
    """RFC 6902, and the original stays as it was."""
    operations = [
        {"op": "remove", "path": "/metadata/labels/a"},
        {"op": "add", "path": "/spec/containers/0/tty", "value": True},
    ]

    patched = apply_patch(POD, operations, JSON)

    assert patched["metadata"]["labels"] == {}
    assert patched["spec"]["containers"][0]["tty"] is True
    assert POD["metadata"]["labels"] == {"a": "b"}


@pytest.mark.parametrize(
    ("patch", "kind", "code"),
    [
        ([{"op": "remove", "path": "/no"}], JSON, 422),
        ([{"op": "test", "path": "/metadata", "value": 1}], JSON, 422),
        ([{"op": "dance", "path": "/"}], JSON, 422),
        (["x"], JSON, 422),
        ([], MERGE, 400),
        ({}, "application/json", 415),
    ],
)
def test_bad_patches_are_refused(patch: Any, kind: str, code: int):
    """With the code that a real API server gives."""
    with pytest.raises(ApiError) as caught:
        apply_patch(POD, patch, kind)

    assert caught.value.code == code

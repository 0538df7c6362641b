"""The types of the API, kept equal to those of the official client."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from gitlab_ci_cluster.objects import schema
from gitlab_ci_cluster.objects.errors import ApiError

ROOTS = ("V1Pod", "V1Secret", "V1ConfigMap", "V1Namespace", "V1ServiceAccount", "CoreV1Event")
WORDS = {
    "str": "string",
    "int": "integer",
    "bool": "boolean",
    "float": "number",
    "datetime": "string",
    "object": "any",
    "bytes": "bytes",
}
QUANTITIES = {
    ("V1ResourceRequirements", "limits"): {"*": "quantity"},
    ("V1ResourceRequirements", "requests"): {"*": "quantity"},
    ("V1EmptyDirVolumeSource", "sizeLimit"): "quantity",
    ("V1ResourceFieldSelector", "divisor"): "quantity",
    ("V1PodSpec", "overhead"): {"*": "quantity"},
    ("V1Secret", "data"): {"*": "bytes"},
    ("V1ConfigMap", "binaryData"): {"*": "bytes"},
}
"""What the client's types do not say."""


def make_types() -> dict[str, dict[str, Any]]:
    """Gather all types that the roots need."""
    types: dict[str, dict[str, Any]] = {}
    for root in ROOTS:
        visit(root, types)
    return types


def visit(name: str, types: dict[str, dict[str, Any]]):
    """Add a type and all that its fields need."""
    if name not in types:
        types[name] = fields = {}
        model = getattr(client, name)
        for attribute, text in model.openapi_types.items():
            field = model.attribute_map[attribute]
            fields[field] = QUANTITIES.get((name, field)) or convert(text, types)


def convert(text: str, types: dict[str, dict[str, Any]]) -> Any:
    """Write a type of the client as in types.json."""
    if match := re.fullmatch(r"list\[(.*)\]", text):
        return [convert(match.group(1), types)]
    if match := re.fullmatch(r"dict[(\[]\w+, (.*)[)\]]", text):
        return {"*": convert(match.group(1), types)}
    if text not in WORDS:
        visit(text, types)
    return WORDS.get(text, text)


def test_types_are_those_of_the_official_client():
    """types.json says what the newest locked client says; `python THIS_FILE` writes it again."""
    written = json.loads(TYPES.read_text())

    assert written == make_types()


def test_unknown_fields_are_told_and_left_out():
    """A field that the API does not have is dropped, and named with its path."""
    sent = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "m", "colour": 1}]}, "x": 1}

    obj, unknown = schema.read_object(sent, "Pod")

    assert unknown == ["spec.containers[0].colour", "x"]
    assert obj == {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "m"}]}}


def test_nulls_are_left_out():
    """A null is as good as no value."""
    obj, _ = schema.read_object({"metadata": {"labels": None}, "spec": {"volumes": None}}, "Pod")

    assert obj == {"metadata": {}, "spec": {}}


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        (
            {"containers": "x"},
            "string into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            {"activeDeadlineSeconds": "soon"},
            "string into Go struct field PodSpec.spec.activeDeadlineSeconds of type int64",
        ),
        (
            {"containers": [{"env": [{"name": "A", "value": 1}]}]},
            "number into Go struct field EnvVar.spec.containers.env.value of type string",
        ),
    ],
)
def test_values_of_the_wrong_kind_are_refused(spec: dict[str, Any], complaint: str):
    """The complaint names the field and its type as Go does."""
    with pytest.raises(ApiError, match=re.escape(f"json: cannot unmarshal {complaint}")):
        schema.read_object({"spec": spec}, "Pod")


def test_quantities_may_be_numbers():
    """`cpu: 1` is as good as `cpu: "1"`."""
    resources = {"resources": {"limits": {"cpu": 1, "memory": "1Gi"}}}

    obj, unknown = schema.read_object({"spec": {"containers": [resources]}}, "Pod")

    assert obj["spec"]["containers"] == [resources]
    assert unknown == []


TYPES = Path(schema.__file__).parent / "types.json"

if __name__ == "__main__":
    TYPES.write_text(json.dumps(make_types(), sort_keys=True, indent=0) + "\n")

"""Variables of containers."""

from __future__ import annotations

import base64

import pytest

from gitlab_ci_cluster.kubelet.environment import (
    ConfigError,
    command_line,
    environment,
    expand,
    field_value,
)

POD = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"b": "2", "a": 'x"y'}},
    "spec": {"nodeName": "node"},
    "status": {"podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]},
}


def nothing(_plural: str, _name: str):
    return None


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "1"),
        ("$(A)$(A)", "11"),
        ("$$(A)", "$(A)"),
        ("$(NONE)", "$(NONE)"),
        ("$A ${A} $( A)", "$A ${A} $( A)"),
        ("$$", "$"),
        ("$(A", "$(A"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text: str, expanded: str):
    """Known names are replaced, unknown ones stay, `$$` is one dollar."""
    assert expand(text, {"A": "1"}) == expanded


def test_later_variables_see_earlier_ones_only():
    """A reference to what comes later stays as it is."""
    env = [
        {"name": "A", "value": "$(B)"},
        {"name": "B", "value": "b"},
        {"name": "C", "value": "$(B)"},
    ]

    assert environment(POD, {"env": env}, nothing) == {"A": "$(B)", "B": "b", "C": "b"}


def test_missing_references_are_named():
    """The kubelet's words for a missing Secret and a missing key."""
    secret = {"kind": "Secret", "data": {"k": base64.b64encode(b"v").decode()}}
    reference = {"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "other"}}}

    with pytest.raises(ConfigError, match='secret "s" not found'):
        environment(POD, {"env": [reference]}, nothing)
    with pytest.raises(ConfigError, match="couldn't find key other in Secret n/s"):
        environment(POD, {"env": [reference]}, lambda *_: secret)


def test_names_that_no_variable_can_have_are_left_out_of_env_from():
    """`envFrom` takes only keys that are names of variables."""
    config_map = {"kind": "ConfigMap", "data": {"good": "1", "0bad": "2", "dotted.ok": "3"}}
    container = {"envFrom": [{"configMapRef": {"name": "c"}, "prefix": ""}]}

    assert environment(POD, container, lambda *_: config_map) == {"good": "1", "dotted.ok": "3"}


def test_command_and_args_make_the_command_line():
    """Each word is expanded."""
    container = {"command": ["sh", "-c"], "args": ["echo $(A)"]}

    assert command_line(container, {"A": "1"}) == ("sh", "-c", "echo 1")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.labels['b']", "2"),
        ("metadata.labels['none']", ""),
        ("metadata.labels", 'a="x\\"y"\nb="2"'),
        ("status.podIP", "127.0.0.1"),
        ("status.podIPs", "127.0.0.1"),
        ("spec.nodeName", "node"),
    ],
)
def test_fields_are_read_for_the_downward_api(path: str, value: str):
    """Names, labels and addresses."""
    assert field_value(POD, path) == value

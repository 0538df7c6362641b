"""Checks what a file passes through to Kubernetes: names and types as its client knows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from kubernetes import client as k8s

from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq, to_data
from gitlab_ci_provider.model.runner_parts import Manifest
from gitlab_ci_provider.pods.manifest import from_manifest

Problem = tuple[str, Mark]

_LIST = re.compile(r"list\[(.*)\]")
_DICT = re.compile(r"dict\(str, (.*)\)|dict\[str, (.*)\]")
_WORDS = {"str": "a string", "int": "a number", "bool": "true or false", "float": "a number"}
_KINDS: dict[str, Callable[[Node], bool]] = {
    "str": lambda node: isinstance(node, str),
    "bool": lambda node: isinstance(node, bool),
    "int": lambda node: isinstance(node, int) and not isinstance(node, bool),
    "float": lambda node: isinstance(node, int | float) and not isinstance(node, bool),
}


def shape_problems(node: Node, kind: str, mark: Mark) -> Iterator[Problem]:
    """List what Kubernetes would not understand, or drop in silence.

    Args:
        node: as written.
        kind: the client's name of the type, such as `V1Affinity` or `list[str]`.
        mark: where it was written.
    """
    if found := _LIST.fullmatch(kind):
        yield from _items(node, found[1], mark)
    elif found := _DICT.fullmatch(kind):
        yield from _values(node, found[1] or found[2], mark)
    elif kind in _KINDS:
        if not _KINDS[kind](node):
            yield f"must be {_WORDS[kind]}", mark
    elif hasattr(k8s, kind):
        yield from _fields(node, kind, mark)


def _items(node: Node, kind: str, mark: Mark) -> Iterator[Problem]:
    if not isinstance(node, Seq):
        yield "must be a list", mark
        return
    for position, item in enumerate(node):
        yield from shape_problems(item, kind, node.place(position))


def _values(node: Node, kind: str, mark: Mark) -> Iterator[Problem]:
    if not isinstance(node, Map):
        yield "must be a mapping", mark
        return
    for key, value in node.items():
        yield from _named(key, shape_problems(value, kind, node.place(key)))


def _fields(node: Node, kind: str, mark: Mark) -> Iterator[Problem]:
    if not isinstance(node, Map):
        yield "must be a mapping", mark
        return
    model: Any = getattr(k8s, kind)
    types = {model.attribute_map[name]: kind for name, kind in model.openapi_types.items()}
    found = False
    for key, value in node.items():
        place = node.place(key)
        if key not in types:
            found = True
            yield f"{key!r} is not a field of Kubernetes' {kind.removeprefix('V1')}", place
            continue
        if value is None:  # as where Kubernetes reads it: the field is left out
            continue
        for problem in _named(key, shape_problems(value, types[key], place)):
            found = True
            yield problem
    if not found:
        yield from _missing(node, kind)


def _missing(node: Map, kind: str) -> Iterator[Problem]:
    """Ask the client, which knows what Kubernetes requires."""
    manifest = to_data(node)
    try:
        from_manifest(_mapping(manifest), kind)
    except ValueError as problem:
        yield str(problem).replace("`, must not be `None`", "`: it is required"), node.mark


def _mapping(data: object) -> Manifest:
    return data if isinstance(data, dict) else {}


def _named(key: str, problems: Iterator[Problem]) -> Iterator[Problem]:
    return ((f"{key}: {words}", place) for words, place in problems)

"""Keywords that are kept as written: only GitLab can honour them, or another step reads them."""

from __future__ import annotations

from collections.abc import Collection

from gitlab_ci_provider.config.keywords.fields import Field, mapping
from gitlab_ci_provider.config.raw import Map, Node, Reference, Seq


def plain(node: Node) -> object:
    """Give a node as plain data, without places."""
    if isinstance(node, Reference):
        return None
    if isinstance(node, Map):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, Seq):
        return [plain(item) for item in node]
    return node


def plain_mapping(field: Field, keys: Collection[str]) -> dict[str, object]:
    """Read a mapping with known keys as plain data; empty when it is none."""
    if not mapping(field, keys) or not isinstance(field.value, Map):
        return {}
    return {key: plain(value) for key, value in field.value.items()}

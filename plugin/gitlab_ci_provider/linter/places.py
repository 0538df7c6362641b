"""Where something was written, as exactly as the tree knows."""

from __future__ import annotations

from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq
from gitlab_ci_provider.model.diagnostic import SourceLocation


def place(tree: Map, *path: str | int) -> SourceLocation:
    """Find the place of a key or an item, or that of the last step of the path that exists."""
    node: Node = tree
    mark = tree.mark
    for step in path:
        found = _child(node, step)
        if found is None:
            break
        mark, node = found
    return mark.location()


def _child(node: Node, step: str | int) -> tuple[Mark, Node] | None:
    if isinstance(node, Map) and isinstance(step, str):
        return (node.place(step), node[step]) if step in node else None
    if isinstance(node, Seq) and isinstance(step, int):
        return (node.place(step), node[step]) if step < len(node) else None
    return None


def flat_rules(rules: Node) -> list[tuple[Node, Mark]]:
    """List rules as written with their places, nested lists flattened."""
    if not isinstance(rules, Seq):
        return []
    found: list[tuple[Node, Mark]] = []
    for position, rule in enumerate(rules):
        found += flat_rules(rule) if isinstance(rule, Seq) else [(rule, rules.place(position))]
    return found

"""Where something was written, as exactly as the tree knows, and the jobs that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq
from gitlab_ci_provider.model.diagnostic import Diagnostic, SourceLocation
from gitlab_ci_provider.model.listed import listed


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


Text = tuple[tuple[str, ...], str, Mark]
"""A text, the keys that lead to it, and where it is written."""


def texts(tree: Map) -> Iterator[Text]:
    """List the texts of a tree; of nodes that many share, once for each name that they have."""
    return _texts(tree, (), tree.mark, set())


def _texts(
    node: Node, path: tuple[str, ...], mark: Mark, seen: set[tuple[int, tuple[str, ...]]]
) -> Iterator[Text]:
    if isinstance(node, Map | Seq):
        here = (id(node), path[-2:])
        if here in seen:
            return
        seen.add(here)
    if isinstance(node, Map):
        for key, value in node.items():
            yield from _texts(value, (*path, key), node.place(key), seen)
    elif isinstance(node, Seq):
        for position, value in enumerate(node):
            yield from _texts(value, path, node.place(position), seen)
    elif isinstance(node, str) and path:
        yield path, node, mark


def _child(node: Node, step: str | int) -> tuple[Mark, Node] | None:
    if isinstance(node, Map) and isinstance(step, str):
        return (node.place(step), node[step]) if step in node else None
    if isinstance(node, Seq) and isinstance(step, int):
        return (node.place(step), node[step]) if step < len(node) else None
    return None


def with_jobs(found: Iterable[tuple[str, Diagnostic]]) -> Iterator[Diagnostic]:
    """Put the name of its job before each message; one that many jobs take from a place, once."""
    together: dict[Diagnostic, dict[str, None]] = {}
    for name, diagnostic in found:
        together.setdefault(diagnostic, {})[name] = None
    for diagnostic, names in together.items():
        jobs = f"{listed(list(names))} job{'s' if len(names) > 1 else ''}"
        yield replace(diagnostic, message=f"{jobs}: {diagnostic.message}")


def flat_rules(rules: Node) -> list[tuple[Node, Mark]]:
    """List rules as written with their places, nested lists flattened."""
    if not isinstance(rules, Seq):
        return []
    found: list[tuple[Node, Mark]] = []
    for position, rule in enumerate(rules):
        found += flat_rules(rule) if isinstance(rule, Seq) else [(rule, rules.place(position))]
    return found

"""Jobs of which nobody knows what they are, because an include is missing."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.config.extends import base_names
from gitlab_ci_provider.config.raw import Map, Node, Reference, Seq


def unclear_names(tree: Map) -> set[str]:
    """Name what extends or refers to something that is not there, itself or through others."""
    wanted = {name: set(_wanted(value)) for name, value in tree.items()}
    found = {name for name, names in wanted.items() if names - tree.keys()}
    more = found
    while more:
        more = {name for name, names in wanted.items() if names & more} - found
        found |= more
    return found


def _wanted(entry: Node) -> Iterator[str]:
    """Yield the names of what an entry takes something from; shared nodes are read once."""
    if isinstance(entry, Map) and "extends" in entry:
        yield from base_names(entry["extends"])
    seen: set[int] = set()
    waiting = [entry]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Reference) and node.path:
            yield node.path[0]
        elif isinstance(node, Map | Seq) and id(node) not in seen:
            seen.add(id(node))
            waiting.extend(node.values() if isinstance(node, Map) else node)

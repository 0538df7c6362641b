"""Entries of which nobody knows what they are, because an include is missing."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.config.defaults import ROOT_KEYS
from gitlab_ci_provider.config.extends import base_names
from gitlab_ci_provider.config.raw import Map, Node, Reference, Seq

_WORK = frozenset({"script", "run", "trigger"})
_NOWHERE = ""


def unclear_names(tree: Map) -> set[str]:
    """Name what takes something that is not there, itself or through others, or has no work.

    In `tree`, `extends` is applied. The work of a job may be in the missing file.
    """
    wanted = {name: set(_wanted(value, tree)) for name, value in tree.items()}
    found = {name for name, names in wanted.items() if names - tree.keys()}
    more = found
    while more:
        more = {name for name, names in wanted.items() if names & more} - found
        found |= more
    return found | {name for name, entry in tree.items() if _may_be_half_a_job(name, entry)}


def _may_be_half_a_job(name: str, entry: Node) -> bool:
    job = name not in ROOT_KEYS and not name.startswith(".")
    return job and isinstance(entry, Map) and not _WORK & entry.keys()


def _wanted(entry: Node, tree: Map) -> Iterator[str]:
    """Yield the names of what an entry takes something from; shared nodes are read once."""
    if isinstance(entry, Map) and "extends" in entry:
        yield from base_names(entry["extends"])
    seen: set[int] = set()
    waiting = [entry]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Reference) and node.path:
            yield node.path[0] if _is_there(node.path, tree) else _NOWHERE
        elif isinstance(node, Map | Seq) and id(node) not in seen:
            seen.add(id(node))
            waiting.extend(node.values() if isinstance(node, Map) else node)


def _is_there(path: tuple[str, ...], tree: Map) -> bool:
    node: Node = tree
    for key in path:
        if isinstance(node, Reference):
            return True  # its own entry is looked at, too
        if not isinstance(node, Map) or key not in node:
            return False
        node = node[key]
    return True

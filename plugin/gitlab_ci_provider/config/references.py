"""`!reference [job, key, ...]`: a value taken from elsewhere in the merged configuration.

Source: GitLab's `Gitlab::Ci::Config::Yaml::Tags`. Every path is resolved once and its value
shared, so many references to one list cost nothing here. A later walk of the tree goes through
each use, so the nodes are counted as often as they are used, and there is a limit.
"""

from __future__ import annotations

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.loader import MAX_DEPTH, TOO_BIG
from gitlab_ci_provider.config.raw import Map, Node, Reference, Seq

MAX_NESTING = 60
"""References in references; GitLab has no limit of its own, ours keeps hostile files cheap."""

_NO_BLOCKS = "Blocks `$[[ ]]` are not replaced in `!reference`, but they are in `extends`."

MAX_ENTRY = 300_000
"""Nodes of one job, with everything that it takes from elsewhere."""

MAX_TOTAL = 5_000_000
"""Nodes of the whole configuration, shared ones as often as they are used."""


def resolve_references(tree: Map, diagnostics: Diagnostics) -> Map | None:
    """Replace every reference by its value; one that has none is reported and becomes null.

    Returns:
        None when the whole would be too big, which is reported.
    """
    resolver = _Resolver(tree, diagnostics)
    resolved = resolver.resolve(tree)
    if not isinstance(resolved, Map):
        return tree
    if resolver.sizes[id(resolved)] > MAX_TOTAL:
        diagnostics.error("config-too-big", TOO_BIG, tree.mark)
        return None
    return resolved


class _Resolver:
    """Resolves each node once; heights keep nested references within GitLab's limit."""

    def __init__(self, tree: Map, diagnostics: Diagnostics):
        self.tree = tree
        self.diagnostics = diagnostics
        self.values: dict[tuple[str, ...], Node] = {}
        self.open: list[tuple[str, ...]] = []
        self.seen: dict[int, Node] = {}
        self.heights: dict[int, int] = {}
        self.sizes: dict[int, int] = {}
        self.lost: set[int] = set()
        self.depth = 0

    def resolve(self, node: Node) -> Node:
        """Return the node without references; itself when it has none."""
        if isinstance(node, Reference):
            return self._reference(node)
        if not isinstance(node, Map | Seq):
            return node
        if id(node) not in self.seen:
            self.depth += 1
            self.seen[id(node)] = self._limited(node)
            self.depth -= 1
        return self.seen[id(node)]

    def _limited(self, node: Map | Seq) -> Node:
        """Resolve a node; one that references nest too deeply is reported and dropped."""
        if self.depth > MAX_DEPTH:
            self._too_deep(node)
            return None
        made = self._map(node) if isinstance(node, Map) else self._seq(node)
        children = made.values() if isinstance(made, Map) else made
        height = 1 + max((self.heights.get(id(child), 0) for child in children), default=0)
        if height > MAX_DEPTH:
            self._too_deep(node)
            return None
        size = 1 + sum(self.sizes.get(id(child), 1) for child in children)
        if size > MAX_ENTRY and node is not self.tree:
            self.diagnostics.error("config-too-big", TOO_BIG, node.mark)
            self.lost.add(id(node))
            return None
        self.heights[id(made)], self.sizes[id(made)] = height, size
        return made

    def _too_deep(self, node: Map | Seq) -> None:
        self.diagnostics.error("reference-too-deep", TOO_BIG, node.mark)

    def _map(self, node: Map) -> Map:
        values: dict[str, Node] = {}
        for key, value in node.items():  # loops: a comprehension would need more of the stack
            values[key] = self.resolve(value)
        if all(values[key] is value for key, value in node.items()):
            return node
        twin = node.copy()
        twin.update(values)
        return twin

    def _seq(self, node: Seq) -> Seq:
        values: list[Node] = []
        for item in node:
            values.append(self.resolve(item))  # noqa: PERF401 - see above
        if all(new is old for new, old in zip(values, node, strict=True)):
            return node
        return Seq(node.mark, values, node.marks)

    def _reference(self, reference: Reference) -> Node:
        path = reference.path
        if path is None:
            self._refuse(reference, "is not valid", "reference-invalid")
            return None
        if path in self.values:
            return self.values[path]
        if not self._usable(reference, path):
            return None
        self.open.append(path)
        found = self._dig(path)
        value = self.resolve(found)
        self.open.pop()
        if (value is None or value is False) and id(found) not in self.lost:
            self._refuse(reference, "could not be found", "reference-missing", self._meant(path))
        self.values[path] = value
        return value

    def _usable(self, reference: Reference, path: tuple[str, ...]) -> bool:
        if path in self.open:
            self._refuse(reference, "is part of a circular chain", "reference-circular")
        elif len(self.open) >= MAX_NESTING:
            self._refuse(reference, "is nested too deep", "reference-too-deep")
        else:
            return True
        return False

    def _dig(self, path: tuple[str, ...]) -> Node:
        node: Node = self.tree
        for key in path:
            if not isinstance(node, Map):
                return None
            node = node.get(key)
        return node

    def _meant(self, path: tuple[str, ...]) -> str | None:
        """Suggest a key for the first one that is not there."""
        if any("$[[" in key for key in path):
            return _NO_BLOCKS
        for position, key in enumerate(path):
            above = self._dig(path[:position])
            if isinstance(above, Map) and key not in above:
                return self.diagnostics.meant(key, above)
        return None

    def _refuse(
        self, reference: Reference, problem: str, code: str, hint: str | None = None
    ) -> None:
        words = f"!reference {reference.text} {problem}"
        self.diagnostics.error(code, words, reference.mark, hint)

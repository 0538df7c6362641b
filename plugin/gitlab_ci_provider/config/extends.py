"""`extends:`: a job takes over the keys of others, deep-merged, later bases winning.

Source: GitLab's `Gitlab::Ci::Config::Extendable`: mappings are merged, lists replaced, up to
eleven levels.
"""

from __future__ import annotations

from collections.abc import Sequence

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.raw import Map, Mark, Node, Reference, Seq, deep_merge, to_data

MAX_NESTING = 10


def apply_extends(tree: Map, diagnostics: Diagnostics) -> Map:
    """Resolve `extends` in every top-level mapping; what cannot be resolved is reported."""
    extender = _Extender(tree, diagnostics)
    merged = tree.copy()
    for name, value in tree.items():
        if isinstance(value, Map) and "extends" in value:
            merged[name] = extender.extend(name, ())[0]
    return merged


class _Extender:
    """Merges each name once, whatever the number of jobs that extend it."""

    def __init__(self, tree: Map, diagnostics: Diagnostics):
        self.tree = tree
        self.diagnostics = diagnostics
        self.done: dict[str, tuple[Map, int]] = {}

    def extend(self, name: str, ancestors: tuple[str, ...]) -> tuple[Map, int]:
        """Return the merged mapping and how many levels of `extends` are below it."""
        if name not in self.done:
            self.done[name] = self._extend(name, ancestors)
        return self.done[name]

    def _extend(self, name: str, ancestors: tuple[str, ...]) -> tuple[Map, int]:
        value = self.tree[name]
        if not isinstance(value, Map):
            return Map(Mark(""), ()), 0
        if "extends" not in value:
            return value, 0
        place = value.place("extends")
        merged: Map | None = None
        depth = 0
        bases = base_names(value["extends"])
        unknown = [base for base in bases if base not in self.tree]
        nameless = [item for item in _items(value["extends"]) if not isinstance(item, str)]
        if unknown or nameless:
            hint = _hint(nameless) or self.diagnostics.all_meant(unknown, self.tree)
            shown = [*unknown, *map(_shown, nameless)]
            self._refuse(name, f"unknown keys in `extends` ({', '.join(shown)})", place, hint)
        for base in bases:
            if base in unknown or not self._usable(name, base, (*ancestors, name), place):
                continue
            below, levels = self.extend(base, (*ancestors, name))
            depth = max(depth, levels)
            merged = below if merged is None else deep_merge(merged, below)
        if depth >= MAX_NESTING + 1:
            self._refuse(name, "nesting too deep in `extends`", place)
        return (value if merged is None else deep_merge(merged, value)), depth + 1

    def _usable(self, name: str, base: str, path: tuple[str, ...], place: Mark) -> bool:
        if not isinstance(self.tree[base], Map):
            self._refuse(name, f"invalid base hashes in `extends` ({base})", place)
        elif base in path:
            self._refuse(name, "circular dependency detected in `extends`", place)
        elif len(path) > 2 * MAX_NESTING:
            self._refuse(name, "nesting too deep in `extends`", place)
        else:
            return True
        return False

    def _refuse(self, name: str, problem: str, place: Mark, hint: str | None = None) -> None:
        words, _, _ = problem.partition(" in ")
        code = "extends-" + words.replace(" ", "-").removesuffix("-detected")
        self.diagnostics.error(code, f"{name}: {problem}", place, hint)


def base_names(value: Node) -> list[str]:
    """List the bases, without what is no name."""
    return [item for item in _items(value) if isinstance(item, str)]


def _items(value: Node) -> list[Node]:
    if isinstance(value, Seq):
        return value
    return [] if value is None else [value]


def _shown(item: Node) -> str:
    return f"!reference {item.text}" if isinstance(item, Reference) else str(to_data(item))


def _hint(nameless: Sequence[Node]) -> str | None:
    if any(isinstance(item, Reference) for item in nameless):
        return "Write the names: `extends` comes before any `!reference` is replaced."
    return "Write the name of a job, or a list of names." if nameless else None

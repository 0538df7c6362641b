"""Files that are looked up only when a rule needs them, which is rare."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property


class LazyPaths(Collection[str]):
    """Paths that are looked up on first use."""

    def __init__(self, find: Callable[[], Collection[str]]):
        self._find = find

    @cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(self._find())

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._paths))

    def __len__(self) -> int:
        return len(self._paths)


class LookedUp(Mapping[str, Collection[str] | None]):
    """Paths by a name that rules mention, each looked up once; None for an unknown name."""

    def __init__(self, find: Callable[[str], Collection[str] | None]):
        self._find = find
        self._found: dict[str, Collection[str] | None] = {}

    def __getitem__(self, name: str) -> Collection[str] | None:
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

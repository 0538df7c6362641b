"""Files that are looked up when a rule looks at them."""

from __future__ import annotations

from gitlab_ci_provider.sources.lookups import LazyPaths, LookedUp


def test_paths_are_looked_up_once_and_not_before():
    """A rule that looks at no file costs nothing."""
    asked: list[str] = []
    paths = LazyPaths(lambda: asked.append("all") or {"b", "a"})  # type: ignore[func-returns-value]

    assert asked == []
    assert ("a" in paths, list(paths), len(paths)) == (True, ["a", "b"], 2)
    assert asked == ["all"]


def test_a_name_is_looked_up_once():
    """An unknown name is remembered, too."""
    asked: list[str] = []

    def find(name: str) -> set[str] | None:
        asked.append(name)
        return {"a"} if name == "main" else None

    found = LookedUp(find)

    assert (found.get("main"), found["main"], found.get("gone")) == ({"a"}, {"a"}, None)
    assert "gone" in found
    assert asked == ["main", "gone"]

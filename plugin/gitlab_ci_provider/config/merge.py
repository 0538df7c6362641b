"""Deep merge: mappings are joined, everything else is replaced.

Source: Rails' `Hash#deep_merge`, which GitLab uses for `include` and `extends`.
"""

from __future__ import annotations

from gitlab_ci_provider.config.raw import Map


def deep_merge(base: Map, over: Map) -> Map:
    """Join two mappings; values of `over` win, also when they are null.

    Places follow the values, so that every key of the result knows where it came from.
    """
    merged = base.copy()
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, Map) and isinstance(value, Map):
            merged[key] = deep_merge(below, value)
        else:
            merged[key] = value
        merged.marks[key] = over.place(key)
    merged.numbers |= over.numbers
    return merged

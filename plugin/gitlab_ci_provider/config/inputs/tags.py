"""`!reference` in the values of inputs, which GitLab replaces only after its inputs.

In a list that becomes the whole value of a key it comes through, and its value is found later.
Anywhere else it is refused, in the words of newer versions of GitLab, which refuse it everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.config.raw import Reference
from gitlab_ci_provider.model.input_spec import InputSpec

IN_TEXT = "a !reference tag cannot become part of a text"
NEWER = "Newer versions of GitLab refuse a `!reference` in the value of an input."


def holds_reference(value: object) -> bool:
    """Return whether a value is or contains a `!reference`."""
    waiting, seen = [value], set[int]()
    while waiting:
        part = waiting.pop()
        if isinstance(part, Reference):
            return True
        if isinstance(part, dict | list) and id(part) not in seen:
            seen.add(id(part))
            waiting += part.values() if isinstance(part, dict) else part
    return False


def tagged(specs: Mapping[str, InputSpec], given: Mapping[str, object]) -> tuple[list[str], bool]:
    """Return what is wrong with references in given values, and whether there are others."""
    names = [name for name, value in given.items() if name in specs and holds_reference(value)]
    lists = [
        name for name in names if specs[name].type == "array" and isinstance(given[name], list)
    ]
    wrong = [name for name in names if name not in lists]
    words = [f"`{name}` input: provided value cannot contain a !reference tag" for name in wrong]
    return words, bool(lists)

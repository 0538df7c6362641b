"""`script`, `before_script`, `after_script`: a text or nested lists of texts."""

from __future__ import annotations

from dataclasses import replace

from gitlab_ci_provider.config.keywords.fields import Field, flat, flat_items
from gitlab_ci_provider.config.raw import Map, Node, Seq

MAX_NESTING = 10
MAX_COMMANDS = 100_000
_WRONG = "should be a string or a nested array of strings up to 10 levels deep"


def read_commands(field: Field) -> tuple[str, ...] | None:
    """Read commands in order, lists flattened."""
    if not _nested_strings(field.value, MAX_NESTING):
        wrong = next((item for item in flat_items(field) if not isinstance(item.value, str)), field)
        replace(field, mark=wrong.mark).refuse(_WRONG, hint=_hint(wrong.value))
        return None
    commands: list[str] = []
    for item in flat(field.value):
        commands.append(str(item))
        if len(commands) > MAX_COMMANDS:
            field.refuse(f"has more than {MAX_COMMANDS} commands", "script-too-long")
            return None
    return tuple(commands)


def _hint(item: Node) -> str | None:
    if isinstance(item, Map):
        return "Put the command in quotes: `: ` in it makes it a mapping."
    return "Put it in quotes." if isinstance(item, bool | int | float) else None


def _nested_strings(node: Node, levels: int) -> bool:
    if isinstance(node, str):
        return True
    if not isinstance(node, Seq) or levels == 0:
        return False
    return all(_nested_strings(item, levels - 1) for item in node)

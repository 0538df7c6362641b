"""The text of a config.toml to values, however wrong it is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.documents import decode
from gitlab_ci_provider.config.raw import Mark

_DEEPEST = 50
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def read_toml(
    content: bytes, file: str, diagnostics: Diagnostics
) -> tuple[str, Mapping[str, Any]] | None:
    """Return the text and what it says; None after reporting why it says nothing."""
    text = decode(content, file, diagnostics)
    if text is None:
        return None
    try:
        config = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        words = str(problem)
        place = _PLACE.search(words)
        mark = Mark(file, int(place[1]), int(place[2])) if place else Mark(file)
        diagnostics.error("toml-syntax", _PLACE.sub("", words), mark)
        return None
    except ValueError:
        diagnostics.error("toml-syntax", "a number has too many digits", Mark(file))
        return None
    except RecursionError:
        config = None
    if config is None or _is_deep(config):
        words = f"nested more than {_DEEPEST} levels deep"
        diagnostics.error("toml-syntax", words, Mark(file))
        return None
    return text, config


def has_time(value: object) -> bool:
    """Return whether a value is or holds a date or time, which no option of a runner is."""
    if isinstance(value, Mapping):
        return any(has_time(item) for item in value.values())
    if isinstance(value, list):
        return any(has_time(item) for item in value)
    return isinstance(value, date | time)


def _is_deep(config: Mapping[str, Any]) -> bool:
    """Look without recursion, which would end in a traceback."""
    level: list[object] = [config]
    for _ in range(_DEEPEST):
        level = [
            item
            for value in level
            if isinstance(value, Mapping | list)
            for item in (value.values() if isinstance(value, Mapping) else value)
        ]
    return bool(level)

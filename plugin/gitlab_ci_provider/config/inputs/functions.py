"""Functions of an interpolation block: `expand_vars`, `truncate`, `posix_escape`, `split`.

Source: GitLab's `Gitlab::Ci::Config::Interpolation::Functions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gitlab_ci_provider.variables.expand import expand_known

_TRUNCATE = re.compile(r"^truncate\(\s*(\d+)\s*,\s*(\d+)\s*\)?$")
_SPLIT = re.compile(r"^split\('([^']*)'\)$")
_UNSAFE = re.compile(r"[^A-Za-z0-9_\-.,:+/@\n]")


class InterpolationError(ValueError):
    """A block cannot be replaced; the message says why, in GitLab's words."""


def apply(function: str, value: object, variables: Mapping[str, str]) -> object:
    """Apply one function as written in a block.

    Raises:
        InterpolationError: there is no such function, or it does not take this value.
    """
    name = function.partition("(")[0].strip()
    if name in _PLAIN and function == name:
        return _PLAIN[name](_text(name, value), variables)
    if found := _TRUNCATE.match(function):
        start, length = int(found[1]), int(found[2])
        return _text(name, value)[start : start + length]
    if found := _SPLIT.match(function):
        if not found[1]:
            raise _error(name, "invalid argument: separator cannot be empty")
        parts = (part.strip() for part in _text(name, value).split(found[1]))
        return [part for part in parts if part]
    raise InterpolationError(
        f"no function matching `{function}`: "
        "check that the function name, arguments, and types are correct"
    )


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise _error(name, f"invalid input type: {name} can only be used with string inputs")


def _error(name: str, problem: str) -> InterpolationError:
    return InterpolationError(f"error in `{name}` function: {problem}")


def _shell_escape(text: str, _: Mapping[str, str]) -> str:
    """Escape as Ruby's Shellwords does."""
    if not text:
        return "''"
    return _UNSAFE.sub(lambda found: f"\\{found[0]}", text).replace("\n", "'\n'")


_PLAIN: dict[str, Callable[[str, Mapping[str, str]], object]] = {
    "expand_vars": expand_known,
    "posix_escape": _shell_escape,
    "posix_quote": _shell_escape,
}

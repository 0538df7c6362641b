"""Functions of an interpolation block: `expand_vars`, `truncate`, `posix_escape`, `split`.

Source: GitLab's `Gitlab::Ci::Config::Interpolation::Functions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.variables.expand import expand_known, references

_TRUNCATE = re.compile(r"^truncate\(\s*(\d+)\s*,\s*(\d+)\s*\)?$")
_SPLIT = re.compile(r"^split\('([^']*)'\)$")
_UNSAFE = re.compile(r"[^A-Za-z0-9_\-.,:+/@\n]")


@dataclass(frozen=True, slots=True)
class Known:
    """Variables from before the pipeline.

    Attributes:
        values: expanded, by name.
        masked: names of those that must not be put into a configuration.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    masked: frozenset[str] = frozenset()


def known(variables: Variables) -> Known:
    """Return the variables that `expand_vars` knows."""
    return Known(variables.as_dict(), variables.masked.names)


class InterpolationError(ValueError):
    """A block cannot be replaced; the message says why, in GitLab's words."""

    def __init__(self, message: str, hint: str | None = None):
        super().__init__(message)
        self.hint = hint


def apply(function: str, value: object, known: Known) -> object:
    """Apply one function as written in a block.

    Raises:
        InterpolationError: there is no such function, or it does not take this value.
    """
    name = function.partition("(")[0].strip()
    if name in _PLAIN and function == name:
        return _PLAIN[name](_text(name, value), known)
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


def _expand(text: str, known: Known) -> str:
    if any(name in known.masked for name in references(text)):
        problem = "variable expansion error: masked variables cannot be expanded"
        raise _error("expand_vars", problem)
    return expand_known(text, known.values)


def _shell_escape(text: str, _: Known) -> str:
    """Escape as Ruby's Shellwords does."""
    if not text:
        return "''"
    return _UNSAFE.sub(lambda found: f"\\{found[0]}", text).replace("\n", "'\n'")


_PLAIN: dict[str, Callable[[str, Known], object]] = {
    "expand_vars": _expand,
    "posix_escape": _shell_escape,
    "posix_quote": _shell_escape,
}

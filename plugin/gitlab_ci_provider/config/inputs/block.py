"""What stands between `$[[` and `]]`: a path to a value and up to three functions.

Source: GitLab's `Interpolation::Block` and `Interpolation::Access`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.config.inputs.functions import InterpolationError, Known, apply
from gitlab_ci_provider.model.nearest import nearest
from gitlab_ci_provider.rules.expression.regex import compile_re2

MAX_FUNCTIONS = 3
MAX_EXPRESSION = 1024
MAX_STEPS = 5
"""Names in a path; what follows is part of the last one."""

MAX_INDICES = 5
"""Of one name."""

_BLOCK = r"\$\[\[\s*(\S.*?\S)\s*\]\]"
_NO_PATH = "invalid pattern used for interpolation. valid pattern is $[[ inputs.input ]]"
_LATER = "matrix"
"""Names that other steps replace."""

_STEP = re.compile(r"^([^\[\]]*)((?:\[\d+\])*)$")
_BRACKETS = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Scope:
    """What blocks of one file may use.

    Attributes:
        names: `inputs`, and what of `component` the header asks for; nothing of it is known in a
            file that was not included as a component.
        known: variables from before the pipeline, for `expand_vars`.
    """

    names: Mapping[str, object]
    known: Known = field(default_factory=Known)


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its text with the brackets, and what is between them."""

    text: str
    data: str


def split_blocks(text: str) -> list[str | Block]:
    """Split a text at its blocks; by RE2, as in GitLab, so that no text can make it slow."""
    pattern = compile_re2(_BLOCK) if "$[[" in text else None
    parts: list[str | Block] = []
    position = 0
    for found in pattern.finditer(text) if pattern else ():
        parts += [text[position : found.start()], Block(found.group(0) or "", found.group(1) or "")]
        position = found.end()
    return [part for part in (*parts, text[position:]) if part]


def evaluate(block: Block, scope: Scope) -> object:
    """Return the value of a block; the block itself when it is not ours.

    Raises:
        InterpolationError: it has no value.
    """
    access, *functions = (part.strip() for part in block.data.rstrip("|").split("|"))
    if access.split(".")[0] == _LATER:
        return block.text
    value = _access(access, scope.names)
    if len(functions) > MAX_FUNCTIONS:
        raise InterpolationError("too many functions in interpolation block")
    for function in functions:
        value = apply(function, value, scope.known)
    return value


def _access(path: str, names: Mapping[str, object]) -> object:
    steps = path.split(".", MAX_STEPS - 1)
    if len(steps) < 2:
        raise InterpolationError(f"{_NO_PATH}, found `{path}`")
    if len(path.encode()) > MAX_EXPRESSION:
        raise InterpolationError("maximum interpolation expression size exceeded")
    value: object = names
    for step in steps:
        value = _step(value, step, path)
    return value


def _step(value: object, step: str, path: str) -> object:
    found = _STEP.match(step)
    if found is None:
        raise InterpolationError(_wrong_index(step, path))
    name, indices = found[1], re.findall(r"\d+", found[2])
    if indices and not name:
        raise InterpolationError(f"invalid indexed access without a key in `{path}`")
    if len(indices) > MAX_INDICES:
        words = f"too many array indices in `{path}` (maximum depth: {MAX_INDICES})"
        raise InterpolationError(words)
    if not isinstance(value, Mapping) or name not in value:
        close = nearest(name, value) if isinstance(value, Mapping) else None
        hint = f"Did you mean '{close}'?" if close else None
        raise InterpolationError(f"unknown interpolation provided: `{name}` in `{path}`", hint)
    value = value[name]
    for index in indices:
        value = _item(value, int(index), path)
    return value


def _item(value: object, index: int, path: str) -> object:
    if not isinstance(value, list):
        raise InterpolationError(f"cannot index into non-array value at [{index}] in `{path}`")
    if index >= len(value):
        size = len(value)
        raise InterpolationError(f"array index {index} out of bounds (size: {size}) in `{path}`")
    return value[index]


def _wrong_index(step: str, path: str) -> str:
    if step.count("[") != step.count("]"):
        return f"invalid array index in `{path}`: missing closing bracket"
    wrong = next((index for index in _BRACKETS.findall(step) if not index.isdigit()), None)
    if wrong is not None:
        return f"invalid array index in `{path}`: `{wrong}` is not a valid index"
    return f"invalid array index syntax in `{path}`"

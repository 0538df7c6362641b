"""`$[[ inputs.x | function ]]` in the text of a file.

Source: GitLab's `TextTemplate` and `Interpolation::Block`: texts go in as they are, every other
value as JSON; each block may use three functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from gitlab_ci_provider.config.inputs.functions import InterpolationError, apply

MAX_FUNCTIONS = 3
MAX_BLOCKS = 10_000
MAX_EXPRESSION = 1024
MAX_LENGTH = 20_000_000
_BLOCK = re.compile(r"\$\[\[\s*(\S.*?\S)\s*\]\]")
_MATRIX = re.compile(r"^matrix\.[\w-]+$")
_STEP = re.compile(r"^([^\[\]]+)((?:\[\d+\])*)$")


def interpolate(
    text: str, scope: Mapping[str, object], variables: Mapping[str, str]
) -> tuple[str, list[str]]:
    """Replace all blocks; give the text and what is wrong.

    `scope` holds what blocks may name: `inputs`, and `component` when the header asks for it.
    """
    done: dict[str, str] = {}
    problems: dict[str, None] = {}

    def swap(found: re.Match[str]) -> str:
        block = found[1]
        if _MATRIX.match(block):
            return found[0]
        if block not in done:
            try:
                done[block] = _evaluate(block, scope, variables)
            except InterpolationError as error:
                problems[str(error)] = None
                done[block] = ""
        return done[block]

    replaced = _BLOCK.sub(swap, text)
    if len(done) > MAX_BLOCKS:
        problems["too many interpolation blocks"] = None
    if len(replaced) > MAX_LENGTH:
        problems["config too large"] = None
    return replaced, list(problems)


def _evaluate(block: str, scope: Mapping[str, object], variables: Mapping[str, str]) -> str:
    access, *functions = (part.strip() for part in block.split("|"))
    value = _access(access, scope)
    if len(functions) > MAX_FUNCTIONS:
        raise InterpolationError("too many functions in interpolation block")
    for function in functions:
        value = apply(function, value, variables)
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _access(path: str, scope: Mapping[str, object]) -> object:
    steps = path.split(".")
    if len(path.encode()) > MAX_EXPRESSION:
        raise InterpolationError("maximum interpolation expression size exceeded")
    value: object = scope
    for step in steps:
        value = _step(value, step)
    if len(steps) < 2:
        raise InterpolationError("invalid interpolation access pattern")
    return value


def _step(value: object, step: str) -> object:
    found = _STEP.match(step)
    name, indices = (found[1], found[2]) if found else (step, "")
    if not isinstance(value, Mapping) or name not in value:
        raise InterpolationError(f"unknown interpolation key: `{name}`")
    value = value[name]
    for index in re.findall(r"\d+", indices):
        if not isinstance(value, list) or int(index) >= len(value):
            raise InterpolationError(f"array index out of bounds: `{step}`")
        value = value[int(index)]
    return value

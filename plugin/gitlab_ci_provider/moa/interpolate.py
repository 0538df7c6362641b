"""`${{ }}` in every text of a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar, cast

from gitlab_ci_provider.moa.ast import MoaError
from gitlab_ci_provider.moa.evaluator import evaluate, to_text
from gitlab_ci_provider.moa.parser import parse_template
from gitlab_ci_provider.model.job import Job

Value = TypeVar("Value")
_parse = lru_cache(maxsize=256)(parse_template)


def interpolate_text(text: str, context: Mapping[str, object]) -> str:
    """Replace the expressions of a text by their values.

    Raises:
        MoaError: an expression cannot be read or evaluated.
    """
    if "${{" not in text:
        return text
    try:
        return to_text(evaluate(_parse(text), context))
    except RecursionError as error:
        raise MoaError("an expression is nested too deeply") from error


def interpolate(value: Value, context: Mapping[str, object]) -> Value:
    """Replace the expressions in all texts that a value holds, whatever its shape.

    Raises:
        MoaError: an expression cannot be read or evaluated.
    """
    return cast("Value", _within(value, context))  # every branch keeps the type


def _within(value: Any, context: Mapping[str, object]) -> Any:
    if isinstance(value, str):
        return type(value)(interpolate_text(value, context))
    if isinstance(value, tuple | list):
        return type(value)(_within(item, context) for item in value)
    if isinstance(value, Mapping):
        return {key: _within(item, context) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        changed = {part.name: _within(getattr(value, part.name), context) for part in fields(value)}
        return replace(value, **changed)
    return value


def texts_with_inputs(job: Job) -> dict[str, Any]:
    """Return what takes inputs, by the name that it has in the model."""
    return {
        "script": job.script,
        "image": job.image,
        "services": job.services,
        "artifacts": job.artifacts,
        "caches": job.caches,
    }


def interpolate_job(job: Job, inputs: Mapping[str, object]) -> Job:
    """Put the values of its inputs into a job.

    Raises:
        MoaError: an expression cannot be read or evaluated.
    """
    context = {"job": {"inputs": inputs}}
    changed = {name: interpolate(value, context) for name, value in texts_with_inputs(job).items()}
    return replace(job, **changed)

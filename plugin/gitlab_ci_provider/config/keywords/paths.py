"""`changes:` and `exists:`: globs, or a regular expression over paths."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import Field, strings, text
from gitlab_ci_provider.config.raw import Map, Seq
from gitlab_ci_provider.model.rules import Changes, Exists
from gitlab_ci_provider.rules.expression.path_regexp import (
    MAX_LENGTH,
    NO_ENGINE,
    compile_path_regexp,
)

MAX_PATTERNS = 50


def read_changes(field: Field) -> Changes | None:
    """Read `changes:`."""
    if isinstance(field.value, Seq):
        paths = read_globs(field)
        return None if paths is None else Changes(paths=paths)
    if not isinstance(field.value, Map):
        field.refuse_as("should be an array or a hash")
        return None
    field.only(("paths", "regexp", "compare_to"))
    _exclusive(field)
    if "paths" in field.value and field.value["paths"] is None:
        field.refuse_as("paths should be an array of strings")
    return Changes(
        paths=field.get("paths", read_globs) or (),
        regexp=field.get("regexp", _read_regexp),
        compare_to=field.get("compare_to", text),
    )


def read_exists(field: Field) -> Exists | None:
    """Read `exists:`."""
    if isinstance(field.value, str):
        return Exists(paths=(field.value,))
    if field.value == {}:
        return Exists()
    if isinstance(field.value, Seq):
        paths = read_globs(field)
        return None if paths is None else Exists(paths=paths)
    if not isinstance(field.value, Map):
        field.refuse_as("should be a string, an array of strings, or a hash")
        return None
    field.only(("paths", "regexp", "project", "ref"))
    _exclusive(field)
    if isinstance(field.value, Map) and "ref" in field.value and "project" not in field.value:
        field.refuse("missing required keys: project")
    return Exists(
        paths=field.get("paths", read_globs) or (),
        regexp=field.get("regexp", _read_regexp),
        project=field.get("project", text),
        ref=field.get("ref", text),
    )


def read_exists_of_include(field: Field) -> Exists | None:
    """Read `exists:` of `include:rules`, whose simple list has no limit."""
    if isinstance(field.value, Seq):
        paths = strings(field)
        return None if paths is None else Exists(paths=paths)
    return read_exists(field)


def read_globs(field: Field) -> tuple[str, ...] | None:
    """Read at most 50 globs."""
    paths = strings(field)
    if paths is not None and len(paths) > MAX_PATTERNS:
        field.refuse(f"has too many entries (maximum {MAX_PATTERNS})")
        return None
    return paths


def _read_regexp(field: Field) -> str | None:
    pattern = text(field)
    if pattern is None:
        return None
    if len(pattern) > MAX_LENGTH:
        field.refuse(f"is too long (maximum is {MAX_LENGTH} characters)")
    elif compile_path_regexp(pattern) is None:
        field.refuse(f"is invalid: {pattern}", hint=NO_ENGINE)
    return pattern


def _exclusive(field: Field) -> None:
    given = [
        key for key in ("paths", "regexp") if isinstance(field.value, Map) and key in field.value
    ]
    if len(given) != 1:
        field.refuse("must use exactly one of these keys: paths, regexp")

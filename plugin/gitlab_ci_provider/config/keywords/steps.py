"""`run:`: CI Functions (formerly steps), checked as GitLab's schema does, kept as written."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.config.raw import Map, Seq

KEYS = ("name", "env", "inputs", "step", "func", "script", "action")
_WORK = ("step", "func", "script", "action")
_TYPES: tuple[tuple[str, type, str], ...] = (
    ("env", Map, "hash"),
    ("inputs", Map, "hash"),
    ("script", str, "string"),
    ("action", str, "string"),
)
_GIT = ("url", "dir", "rev", "file")
_OCI = ("registry", "repository", "tag", "dir", "file")


def check_run(field: Field) -> None:
    """Report what is wrong with a job's steps."""
    if not isinstance(field.value, Seq):
        field.refuse("should be an array")
        return
    for step in field.items():
        if isinstance(step.value, Map):
            _check_step(step, step.value)
        else:
            step.refuse("should be a hash")


def _check_step(field: Field, step: Map) -> None:
    field.only(KEYS)
    if not isinstance(step.get("name"), str):
        field.refuse("missing required properties: name")
    work = [key for key in _WORK if step.get(key) is not None]
    if len(work) != 1:
        field.refuse(f"must use exactly one of these keys: {', '.join(_WORK)}")
    if "script" in step and "inputs" in step:
        field.refuse("these keys cannot be used together: script, inputs")
    _check_types(field, step)
    for key in ("step", "func"):
        entry = field.entry(key)
        if entry:
            _check_reference(entry)


def _check_types(field: Field, step: Map) -> None:
    for key, kind, words in _TYPES:
        if step.get(key) is not None and not isinstance(step[key], kind):
            field.refuse(f"{key} should be a {words}")


def _check_reference(field: Field) -> None:
    """Check where a step comes from: a path, a repository or an image."""
    if isinstance(field.value, str):
        return
    if not isinstance(field.value, Map):
        field.refuse("should be a hash or a string")
        return
    field.only(("git", "oci"))
    for key, allowed, required in (("git", _GIT, ("url", "rev")), ("oci", _OCI, ("tag",))):
        entry = field.entry(key)
        if entry is None or not isinstance(entry.value, Map):
            continue
        entry.only(allowed)
        missing = [key for key in required if key not in entry.value]
        if missing:
            entry.refuse(f"missing required properties: {', '.join(missing)}")

"""`run:`: CI Functions (formerly steps), checked as GitLab's schema does, kept as written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.config.keywords.schema_words import extra, lacking, not_of_kind
from gitlab_ci_provider.config.raw import Map, Node, Seq

KEYS = ("name", "env", "inputs", "step", "func", "script", "action")
_WORK = ("step", "func", "script", "action")
_TYPES: tuple[tuple[str, type, str], ...] = (
    ("name", str, "a string"),
    ("env", Map, "an object"),
    ("inputs", Map, "an object"),
    ("script", str, "a string"),
    ("action", str, "a string"),
)
_GIT = ("url", "dir", "rev", "file")
_OCI = ("registry", "repository", "tag", "dir", "file")


def check_run(field: Field) -> None:
    """Report what is wrong with a job's steps."""
    run = replace(field, subject=f"{field.label.removesuffix(':run')} run")
    if not isinstance(run.value, Seq):
        run.refuse(not_of_kind("", "an array"))
        return
    for position, step in enumerate(run.items()):
        for problem in _problems(step.value, f"/{position}"):
            step.refuse(problem)


def _problems(step: Node, path: str) -> Iterator[str]:
    if not isinstance(step, Map):
        yield not_of_kind(path, "an object")
        return
    yield from _extras(step, KEYS, path)
    if step.get("name") is None:
        yield lacking(path, ["name"])
    work = [key for key in _WORK if step.get(key) is not None]
    if not work:
        yield lacking(path, ["step"])
    unused = [*work[1:], *(["inputs"] if "script" in step and "inputs" in step else ())]
    yield from (extra(f"{path}/{key}") for key in unused)
    yield from _wrong_types(step, path)
    for key in ("step", "func"):
        if step.get(key) is not None:
            yield from _wrong_reference(step[key], f"{path}/{key}")


def _extras(value: Map, allowed: tuple[str, ...], path: str) -> Iterator[str]:
    return (extra(f"{path}/{key}") for key in value if key not in allowed)


def _wrong_types(step: Map, path: str) -> Iterator[str]:
    for key, kind, words in _TYPES:
        if step.get(key) is not None and not isinstance(step[key], kind):
            yield not_of_kind(f"{path}/{key}", words)
    env = step.get("env")
    for name, value in env.items() if isinstance(env, Map) else ():
        if not isinstance(value, str):
            yield not_of_kind(f"{path}/env/{name}", "a string")


def _wrong_reference(value: Node, path: str) -> Iterator[str]:
    """Check where a step comes from: a path, a repository or an image."""
    if isinstance(value, str):
        return
    if not isinstance(value, Map):
        yield not_of_kind(path, "a string")
        return
    yield from _extras(value, ("git", "oci"), path)
    for key, allowed, required in (("git", _GIT, ("url", "rev")), ("oci", _OCI, ("tag",))):
        source = value.get(key)
        if not isinstance(source, Map):
            continue
        yield from _extras(source, allowed, f"{path}/{key}")
        missing = [name for name in required if name not in source]
        if missing:
            yield lacking(f"{path}/{key}", missing)

"""What is known of the variables that words use: whether without quotes each is one word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from posixpath import normpath

from gitlab_ci_provider.docker_builds.words import Word

_NAME = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_PLAIN = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SPLIT = re.compile(r"[\s*?\[]")
_FREE_TEXT = frozenset(
    {
        "CI_COMMIT_AUTHOR",
        "CI_COMMIT_DESCRIPTION",
        "CI_COMMIT_MESSAGE",
        "CI_COMMIT_TAG_MESSAGE",
        "CI_COMMIT_TITLE",
        "CI_DEPLOY_FREEZE",
        "CI_JOB_NAME",
        "CI_JOB_STAGE",
        "CI_MERGE_REQUEST_DESCRIPTION",
        "CI_MERGE_REQUEST_LABELS",
        "CI_MERGE_REQUEST_TITLE",
        "CI_PIPELINE_NAME",
        "CI_PROJECT_DESCRIPTION",
        "CI_PROJECT_TITLE",
        "CI_RUNNER_DESCRIPTION",
        "GITLAB_USER_NAME",
    }
)
"""Predefined variables that anybody may fill with several words."""

CHANGING: Mapping[str, str] = {
    "BUILDX_GIT_LABELS": "Write each label with --label.",
    "DOCKER_CONTENT_TRUST": "Sign the image by its digest, in a job of its own.",
    "DOCKER_DEFAULT_PLATFORM": "Use --platform instead.",
    "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY": "Name images in the Dockerfile as the policy does.",
    "SOURCE_DATE_EPOCH": "Use the executor's --reproducible.",
}
"""Variables that change what docker's commands mean, and what to do instead."""

_SWITCHES = frozenset({"BUILDX_GIT_LABELS", "DOCKER_CONTENT_TRUST"})
NO = frozenset({"", "0", "f", "false"})
"""What docker takes for no."""

WORKING_COPY = ("CI_PROJECT_DIR", "CI_BUILDS_DIR", "PWD")
_ABSOLUTE = (*WORKING_COPY, "HOME")
_KEPT = ("$PWD", "${PWD}", "$(pwd)", "/builds/")
"""How paths begin that belong to the working copy."""


def is_changing(name: str, known: Mapping[str, str]) -> bool:
    """Return whether a variable has a value that changes what docker's commands mean."""
    value = known.get(name, "")
    return value.lower() not in NO if name in _SWITCHES else bool(value)


def loose_problem(word: Word, known: Mapping[str, str], *, strict: bool) -> str:
    """Say why quotes might change what a word means; empty when they do not.

    Args:
        word: to put into quotes.
        known: variables of the file, as written.
        strict: refuse also what is unknown, where no later check would notice several words.
    """
    for text in word.loose:
        name = _PLAIN.fullmatch(text)
        why = _name_problem(name[1] or name[2], known, strict) if name else strict
        if why:
            return f"{text} may be several words: put it in double quotes"
    return ""


def _name_problem(name: str, known: Mapping[str, str], strict: bool) -> bool:
    if name in known:
        value = known[name]
        nested = _NAME.findall(value)
        return bool(not value or _SPLIT.search(value)) or bool(_FREE_TEXT.intersection(nested))
    if name.startswith(("CI_", "GITLAB_")):
        return name in _FREE_TEXT
    return strict


def is_absolute(word: Word, known: Mapping[str, str]) -> bool | None:
    """Return whether a path begins at the root; None when only the shell knows."""
    body = resolved(word, known)
    if body.startswith(("/", "$(pwd)")) or _first_name(body) in _ABSOLUTE:
        return True
    return None if body.startswith(("$", "`")) or not body else False


def is_in_working_copy(path: Word, known: Mapping[str, str]) -> bool:
    """Return whether an absolute path is in the working copy, or in another one next to it."""
    body = normpath(path.literal) if path.literal is not None else path.body
    return f"{body}/".startswith(_KEPT) or _first_name(resolved(path, known)) in WORKING_COPY


def resolved(word: Word, known: Mapping[str, str]) -> str:
    """Return a word's text with the variable that it begins with replaced, as far as is known."""
    body = word.body
    for _ in range(10):  # variables of variables
        name = _NAME.match(body)
        if name is None or name[1] not in known or name[1] in _ABSOLUTE:
            break
        body = known[name[1]]
    return body


def _first_name(body: str) -> str:
    name = _NAME.match(body)
    return name[1] if name else ""

"""What is known of the variables that words use: whether without quotes each is one word."""

from __future__ import annotations

import re
from collections.abc import Mapping

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

_ABSOLUTE = ("CI_PROJECT_DIR", "CI_BUILDS_DIR", "PWD", "HOME")


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
    body = word.body
    for _ in range(10):  # variables of variables
        if body.startswith(("/", "$(pwd)")):
            return True
        name = _NAME.match(body)
        if name is None:
            return None if body.startswith(("$", "`")) else False
        if name[1] in _ABSOLUTE:
            return True
        if not known.get(name[1]):
            return None
        body = known[name[1]]
    return None

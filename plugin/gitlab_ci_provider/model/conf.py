"""What a run's conf may contain: anyone may have written it, so it is checked before use.

Git, Kubernetes and file systems cannot store a NUL, half of a character or megabytes, and their
messages are hard to understand. These messages say what is wrong, and quote little of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.quoted import quoted

MAX_CHARACTERS = 1_000_000
"""Bytes of the whole conf: the limit of a pod's Secret, which contains the variables."""

MAX_NAME = 255
"""Characters of the name of a variable or input; GitLab's limit."""

MAX_REF = 1024
MAX_JOB = 1024
MAX_VALUE = 100_000
"""Characters of the value of a variable: Linux starts no program with one of more than 128 KiB."""

_DEEPEST = 50
_REF = re.compile(
    r"(?![/.-]|@\Z)(?!.*(?:\.\.|@\{|//|/\.|\.lock(?:/|\Z)))[^\x00-\x20\x7f~^:?*\[\\]+(?<![./])"
)
"""What git takes for the name of a branch or tag."""

_VARIABLE = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)


def check_conf(conf: Mapping[str, Any]) -> None:
    """Check everything that a person, a program or a schedule asks of a run.

    Raises:
        ConfigError: a part is impossible or too long; the message says which.
    """
    left = MAX_CHARACTERS
    for place, text in _texts(conf, "", 0):
        left -= len(text) + 1  # as JSON, even a number or an empty text takes more than one
        if left < 0:
            raise ConfigError(f"the run's conf contains more than {MAX_CHARACTERS} characters")
        _check_text(place, text)
    _check_refs(conf)
    if isinstance(conf.get("variables"), Mapping):
        check_variables(conf["variables"])
    for key in ("jobs", "stages"):
        for name in conf[key] if isinstance(conf.get(key), list | tuple) else ():
            if len(str(name)) > MAX_JOB:
                what = key.removesuffix("s")
                raise ConfigError(f"`{key}` of the run: no {what} is called '{quoted(str(name))}'")


def check_ref(ref: str, name: str) -> None:
    """Check the name of a branch or tag, a full ref or a commit id; an empty string means no ref.

    Raises:
        ConfigError: it is not a valid name for git.
    """
    _check_text(name, ref)
    if ref and (len(ref) > MAX_REF or not _REF.fullmatch(ref)):
        raise ConfigError(f"`{name}` of the run is not a valid branch or tag name: '{quoted(ref)}'")


def check_variables(variables: Mapping[Any, Any]) -> None:
    """Check names and values of pipeline variables.

    Source: GitLab's `Ci::HasVariable`, whose words the message has.

    Raises:
        ConfigError: a name or a value is not valid.
    """
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(str(name)):
            message = (
                f"the variable '{quoted(str(name))}' of the run: key can contain only letters, "
                f"digits and '_', at most {MAX_NAME} of them"
            )
            raise ConfigError(message)
        if len(str(value)) > MAX_VALUE:
            message = f"the variable '{name}' of the run has more than {MAX_VALUE} characters"
            raise ConfigError(message)


def _check_refs(conf: Mapping[str, Any]) -> None:
    request = conf.get("merge_request")
    branches = request if isinstance(request, Mapping) else {}
    refs = {
        "ref": conf.get("ref"),
        "merge_request.source_branch": branches.get("source_branch"),
        "merge_request.target_branch": branches.get("target_branch"),
    }
    for name, ref in refs.items():
        if isinstance(ref, str):
            check_ref(ref, name)


def _check_text(place: str, text: str) -> None:
    if "\0" in text:
        raise ConfigError(f"`{quoted(place)}` of the run contains a NUL character")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ConfigError(f"`{quoted(place)}` of the run is not valid UTF-8")


def _texts(value: Any, place: str, depth: int) -> Iterator[tuple[str, str]]:
    """List all texts, keys among them, with the place that messages name."""
    if depth > _DEEPEST:
        raise ConfigError(f"`{quoted(place)}` of the run is nested too deeply")
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, below in value.items():
            name = str(key)
            here = f"{place}.{quoted(name, MAX_NAME)}" if place else quoted(name, MAX_NAME)
            if len(name) > MAX_NAME:
                raise ConfigError(f"`{quoted(here)}` of the run is too long for a name")
            yield here, name
            yield from _texts(below, here, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, place, depth + 1)
    else:
        yield place, ""

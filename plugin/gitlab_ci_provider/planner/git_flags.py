"""Flags that a job may pass to git, in the runner's variables for them.

Git runs next to the login of the repository's server, so it must not run what a job's author, or a
person who starts a run with their own variables, wants to run. Allowed flags are listed.

Unlike GitLab, where all flags go to git as they are written, others are refused: abbreviations,
paths, and those that name programs, repositories or files (`--upload-pack`, `-c`, `--reference`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.model.variables import Variables


@dataclass(frozen=True, slots=True)
class _Allowed:
    """Flags of one command of git: `plain` ones stand alone, `valued` ones take a value."""

    plain: frozenset[str]
    valued: frozenset[str]


def _allowed(plain: str, valued: str) -> _Allowed:
    return _Allowed(frozenset(plain.split()), frozenset(valued.split()))


_FLAGS: Mapping[str, _Allowed] = {
    "GIT_CLEAN_FLAGS": _allowed("-d -f --force -x -X -n --dry-run -q --quiet", "-e --exclude"),
    "GIT_FETCH_EXTRA_FLAGS": _allowed(
        "-p --prune --no-prune -P --prune-tags -t --tags -n --no-tags -f --force -k --keep "
        "-q --quiet -v --verbose --progress --no-progress -4 --ipv4 -6 --ipv6 --atomic "
        "--unshallow --update-shallow --refetch --no-recurse-submodules --no-auto-gc "
        "--no-auto-maintenance --show-forced-updates --no-show-forced-updates",
        "-j --jobs --depth --deepen --shallow-since --shallow-exclude --filter",
    ),
    "GIT_CLONE_EXTRA_FLAGS": _allowed(
        "--single-branch --no-single-branch --tags --no-tags -n --no-checkout -q --quiet "
        "-v --verbose --progress --sparse --reject-shallow --no-reject-shallow "
        "--also-filter-submodules -4 --ipv4 -6 --ipv6",
        "-j --jobs --depth --shallow-since --shallow-exclude --filter",
    ),
    "GIT_SUBMODULE_UPDATE_FLAGS": _allowed(
        "--remote --init -f --force -q --quiet --progress -N --no-fetch --checkout --merge "
        "--rebase --recursive --recommend-shallow --no-recommend-shallow --single-branch "
        "--no-single-branch",
        "-j --jobs --depth --filter",
    ),
}


def read_flags(name: str, variables: Variables, default: tuple[str, ...]) -> tuple[str, ...]:
    """Read flags as a shell would; `none` means no flags.

    Raises:
        SystemFailure: a job must not pass one of them; the message names it.
    """
    text = variables.get(name)
    if text == "none":
        return ()
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _refused(name, text, f"it cannot be split into flags ({error})") from error
    if not words:
        return default
    return tuple(chain.from_iterable(_checked(name, words)))


def _checked(name: str, words: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield each flag with its value, as git itself would split them."""
    left = iter(words)
    for word in left:
        if "\0" in word or not word.startswith("-") or word in {"-", "--"}:
            raise _refused(name, word, "only flags are allowed, not paths or repositories")
        wants_value = _long(name, word) if word.startswith("--") else _short(name, word)
        if not wants_value:
            yield (word,)
            continue
        value = next(left, None)
        if value is None or value.startswith("-") or "\0" in value:
            raise _refused(name, word, "it needs a value")
        yield (word, value)


def _long(name: str, word: str) -> bool:
    """Check a flag such as `--depth=5`; True when its value is the next word."""
    flag, equals, _ = word.partition("=")
    allowed = _FLAGS[name]
    if flag in allowed.valued:
        return not equals
    if flag not in allowed.plain or equals:
        raise _refused(name, word, _listed(allowed))
    return False


def _short(name: str, word: str) -> bool:
    """Check letters such as `-ffdx` or `-j4`; True when the last one's value is the next word."""
    allowed = _FLAGS[name]
    for position, letter in enumerate(word[1:], start=1):
        flag = f"-{letter}"
        if flag in allowed.valued:
            return position == len(word) - 1
        if flag not in allowed.plain:
            raise _refused(name, word, _listed(allowed))
    return False


def _listed(allowed: _Allowed) -> str:
    return f"allowed flags are {', '.join(sorted(allowed.plain | allowed.valued))}"


def _refused(name: str, word: str, reason: str) -> ConfigurationFailure:
    message = f"{name}: '{word}' is refused: {reason}"
    return ConfigurationFailure(message)

"""What `hooks:pre_get_sources_script` has left for the fetch and for the job's scripts.

The hook is the author's, and the fetch has a login that is not: nothing here is believed. Files are
read without following links, and of git's settings only those of `model/git_environment.py` count.

Unlike GitLab, where the script shares a shell and a home folder with the fetch, other settings of
git, other variables and files have no effect on it; the log names the settings.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.model.git_environment import GIT_VARIABLES, is_harmless, may_set

_LARGEST = 64 * 1024

Setting = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookResults:
    """What the hook may tell.

    Attributes:
        variables: `NAME=value` for git's environment.
        settings: of `git config`, by key.
        job_env: lines of GITLAB_ENV.
        refused: keys of settings that do not count.
    """

    variables: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    job_env: str = ""
    refused: tuple[str, ...] = ()


def with_hook_results(context: PhaseContext) -> PhaseContext:
    """Let the fetch and the scripts of a job know what its hook has told."""
    sources = context.plan.sources
    if context.plan.hook is None or sources is None:
        return context
    results = read_results(context.hook)
    for key in results.refused:
        message = f"the git setting {key} of hooks:pre_get_sources_script does not apply to the"
        context.output.warning(f"{message} fetch of the sources")
    told = replace(
        sources,
        git_settings=(*sources.git_settings, *results.variables),
        git_config=results.settings,
    )
    return replace(context, plan=replace(context.plan, sources=told), job_env=results.job_env)


def read_results(folder: Path) -> HookResults:
    """Read the folder that a hook has written into."""
    settings = list(_settings(_read(folder / "config")))
    return HookResults(
        variables=tuple(_variables(_read(folder / "variables").splitlines())),
        settings=tuple((key, value) for key, value in settings if may_set(key)),
        job_env=_read(folder / "env"),
        refused=tuple(
            dict.fromkeys(key for key, _ in settings if not (may_set(key) or is_harmless(key)))
        ),
    )


def _read(path: Path) -> str:
    """Read a small file; nothing when it is something else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return file.read(_LARGEST).decode("utf-8", "replace")


def _variables(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        name, _, value = line.partition("=")
        pattern = GIT_VARIABLES.get(name)
        if pattern is not None and pattern.fullmatch(value):
            yield line


def _settings(said: str) -> Iterator[Setting]:
    """Cut what `git config --null --list` has said; a key without a value is true."""
    for entry in said.split("\0")[:-1]:
        key, newline, value = entry.partition("\n")
        yield key, value if newline else "true"

"""Phase `get_sources`: the GIT_ variables of a job, as the runner reads them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, cast, get_args

from gitlab_ci_provider.exceptions import ConfigurationFailure, SystemFailure
from gitlab_ci_provider.model.plan import GetSources, GitStrategy, SubmoduleStrategy
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.model.workspace import BUILDS_DIR
from gitlab_ci_provider.planner.build_settings import VariableReader
from gitlab_ci_provider.planner.git_flags import read_flags
from gitlab_ci_provider.planner.git_settings import read_git_settings
from gitlab_ci_provider.planner.plan_request import PlanRequest

_SUBMODULES: tuple[SubmoduleStrategy, ...] = get_args(SubmoduleStrategy)
_DEPTH = 20
_LEADING_DIGITS = re.compile(r"\s*\+?([0-9]{1,9})")

_STRATEGIES: tuple[GitStrategy, ...] = get_args(GitStrategy)
_WITH_FLAGS = (
    "GIT_CLEAN_FLAGS",
    "GIT_FETCH_EXTRA_FLAGS",
    "GIT_CLONE_EXTRA_FLAGS",
    "GIT_SUBMODULE_UPDATE_FLAGS",
)


class PlannedSources(NamedTuple):
    """What is fetched and how, and warnings about variables that could not be read."""

    plan: GetSources
    warnings: tuple[str, ...]


def plan_sources(request: PlanRequest, *, trace: bool = False) -> PlannedSources:
    """Decide what is fetched and how; `trace` shows what git does.

    Raises:
        SystemFailure: a GIT_ variable holds what must not be obeyed, or fails the runner, too.
    """
    run, variables = request.run, request.variables
    reader = VariableReader(variables.get)
    depth = _depth(variables)
    settings = read_git_settings(variables)
    strategy = _strategy(reader)
    plan = GetSources(
        url=run.project.clone_url,
        sha=run.ref.sha,
        refspecs=_refspecs(run.ref, depth),
        ref_name=run.ref.name,
        strategy=strategy,
        depth=depth,
        clean_flags=read_flags("GIT_CLEAN_FLAGS", variables, ("-ffdx",)),
        fetch_flags=read_flags("GIT_FETCH_EXTRA_FLAGS", variables, ("--prune", "--quiet")),
        clone_flags=_clone_flags(variables, strategy, reader),
        checkout=reader.boolean("GIT_CHECKOUT", default=True),
        lfs=not reader.boolean("GIT_LFS_SKIP_SMUDGE", default=False),
        submodule_strategy=_submodules(variables, strategy),
        submodule_paths=_submodule_paths(variables),
        submodule_depth=max(0, reader.number("GIT_SUBMODULE_DEPTH", depth)),
        submodule_flags=read_flags("GIT_SUBMODULE_UPDATE_FLAGS", variables, ()),
        https_submodules=reader.boolean("GIT_SUBMODULE_FORCE_HTTPS", default=False),
        git_settings=_traced(settings.allowed) if trace else settings.allowed,
        attempts=reader.attempts("GET_SOURCES_ATTEMPTS"),
        username=request.login.username if request.login else "",
        password=request.login.password if request.login else "",
    )
    return PlannedSources(plan, (*reader.warnings, *settings.warnings))


def variable_problems(variables: Variables) -> Iterator[str]:
    """List what would be wrong with the sources of a job that has these variables."""
    reader = VariableReader(variables.get)
    _strategy(reader)
    for name in ("GIT_CHECKOUT", "GIT_LFS_SKIP_SMUDGE", "GIT_SUBMODULE_FORCE_HTTPS"):
        reader.boolean(name, default=True)
    reader.number("GIT_SUBMODULE_DEPTH", 0)
    reader.attempts("GET_SOURCES_ATTEMPTS")
    yield from (*reader.warnings, *read_git_settings(variables).warnings)
    checks: Sequence[Callable[[], object]] = (
        *(partial(read_flags, name, variables, ()) for name in _WITH_FLAGS),
        partial(clone_path, variables),
        partial(_submodules, variables, "fetch"),
        partial(_submodule_paths, variables),
    )
    for check in checks:
        try:
            check()
        except SystemFailure as problem:
            yield f"the job will fail: {problem}"


def _strategy(reader: VariableReader) -> GitStrategy:
    return cast("GitStrategy", reader.choice("GIT_STRATEGY", _STRATEGIES, "fetch"))


def _traced(settings: tuple[str, ...]) -> tuple[str, ...]:
    """Have git say what it runs, unless the job itself says whether it should."""
    said = any(setting.startswith("GIT_TRACE=") for setting in settings)
    return settings if said else ("GIT_TRACE=1", *settings)


def _depth(variables: Variables) -> int:
    """Read GIT_DEPTH as GitLab's server does, whose `to_i` takes the digits that it begins with."""
    text = variables.get("GIT_DEPTH", str(_DEPTH))
    digits = _LEADING_DIGITS.match(text)
    return int(digits[1]) if digits else 0


def _refspecs(ref: Ref, depth: int) -> tuple[str, ...]:
    """List what is fetched: the ref alone, or all branches and tags when history is whole.

    Source: GitLab's `Ci::BuildRunnerPresenter#refspecs`.
    """
    if depth <= 0:
        return (_branch("*"), _tag("*"))
    return (_tag(ref.name) if ref.kind == RefKind.TAG else _branch(ref.name),)


def _branch(name: str) -> str:
    return f"+refs/heads/{name}:refs/remotes/origin/{name}"


def _tag(name: str) -> str:
    return f"+refs/tags/{name}:refs/tags/{name}"


def _clone_flags(
    variables: Variables, strategy: GitStrategy, reader: VariableReader
) -> tuple[str, ...] | None:
    """Read the flags of `git clone`; None where the runner fetches instead, which is usual."""
    native = reader.boolean("FF_USE_GIT_NATIVE_CLONE", default=False)
    if native and strategy == "clone":
        return read_flags("GIT_CLONE_EXTRA_FLAGS", variables, ())
    return None


def clone_path(variables: Variables) -> str:
    """Read GIT_CLONE_PATH, where the working copy goes; empty for the usual place.

    Raises:
        SystemFailure: it is not below CI_BUILDS_DIR.
    """
    given = variables.get("GIT_CLONE_PATH")
    if not given:
        return ""
    path = posixpath.normpath(posixpath.join(BUILDS_DIR, given))
    if not path.startswith(f"{BUILDS_DIR}/"):
        raise _wrong("GIT_CLONE_PATH", given, f"within CI_BUILDS_DIR, {BUILDS_DIR}")
    return path


def _submodules(variables: Variables, strategy: GitStrategy) -> SubmoduleStrategy:
    """Read the strategy; without a repository there are no submodules."""
    given = variables.get("GIT_SUBMODULE_STRATEGY") or "none"
    for known in _SUBMODULES:
        if known == given:
            return known if strategy in {"fetch", "clone"} else "none"
    raise _wrong("GIT_SUBMODULE_STRATEGY", given, f"one of {', '.join(_SUBMODULES)}")


def _submodule_paths(variables: Variables) -> tuple[str, ...]:
    text = variables.get("GIT_SUBMODULE_PATHS")
    paths = tuple(text.split())
    if ":(exclude)" in paths:
        raise _wrong("GIT_SUBMODULE_PATHS", text, "paths; write `:(exclude)path` without a space")
    return paths


def _wrong(name: str, value: str, wanted: str) -> ConfigurationFailure:
    message = f"{name} is '{value}', it must be {wanted}"
    return ConfigurationFailure(message)
